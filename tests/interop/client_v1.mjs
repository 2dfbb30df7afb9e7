// The first TypeScript SDK, which speaks the revisions with a handshake: node client_v1.mjs TARGET
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { askPerson, converse, errorOf, headersOf, parseTarget, tell } from './conversation.mjs';

const target = parseTarget();
const transport = target.url
  ? new StreamableHTTPClientTransport(new URL(target.url), { requestInit: { headers: headersOf(target) } })
  : new StdioClientTransport({ ...target, stderr: 'inherit' });
const capabilities = target.answer ? { elicitation: { form: {} } } : {};
const client = new Client({ name: 'interop-v1', version: '1.0.0' }, { capabilities });
let revision = ''; // which was agreed on; the transport over HTTP is told and knows, the one over stdio is not
transport.setProtocolVersion ??= (agreed) => { revision = agreed; };

if (target.isStranger) {
  tell(await errorOf(client.connect(transport)));
} else if (target.answer) {
  const { handler, report } = askPerson(target.answer);
  client.setRequestHandler(ElicitRequestSchema, handler);
  await client.connect(transport);
  tell(await report((params) => client.callTool(params)));
  await client.close();
} else {
  await client.connect(transport);
  const said = await converse(client, (params, options) => client.callTool(params, undefined, options));
  tell({ ...said, revision: transport.protocolVersion ?? revision, pid: transport.pid ?? 0 });
  await client.close();
}
