// The second TypeScript SDK, which speaks both kinds of revision: node client_v2.mjs legacy|auto|REVISION TARGET
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { askPerson, converse, errorOf, headersOf, parseTarget, tell } from './conversation.mjs';

const target = parseTarget();
const asked = process.argv[2];
const mode = ['legacy', 'auto'].includes(asked) ? asked : { pin: asked };
const transport = target.url
  ? new StreamableHTTPClientTransport(new URL(target.url), { requestInit: { headers: headersOf(target) } })
  : new StdioClientTransport({ ...target, stderr: 'inherit' });
const capabilities = target.answer ? { elicitation: { form: {} } } : {};
const client = new Client({ name: 'interop-v2', version: '1.0.0' }, { capabilities, versionNegotiation: { mode } });

if (target.isStranger) {
  tell(await errorOf(client.connect(transport)));
} else if (target.answer) {
  const { handler, report } = askPerson(target.answer);
  client.setRequestHandler('elicitation/create', handler);
  await client.connect(transport);
  tell(await report((params) => client.callTool(params)));
  await client.close();
} else {
  await client.connect(transport);
  const said = await converse(client, (params, options) => client.callTool(params, options));
  tell({ ...said, revision: client.getNegotiatedProtocolVersion(), pid: transport.pid ?? 0 });
  await client.close();
}
