// What each client asks of the server, whichever SDK and revision of the protocol it speaks.

const FIND_ZONES = `(spec) => {
  const found = [];
  for (const [path, methods] of Object.entries(spec.paths))
    if (path.includes("/domain/zone"))
      for (const [method, op] of Object.entries(methods))
        found.push({ method: method.toUpperCase(), path, summary: op.summary });
  return found;
}`;
const LIST_ZONES = 'async () => await ovh.request({ method: "GET", path: "/v1/domain/zone" })';
const CALL_UNKNOWN = 'async () => await ovh.request({ method: "GET", path: "/v1/no/such/thing" })';
const NEVER_END = 'async () => { for (;;) await null; }';
const PATIENCE_MS = 500;

/**
 * Speak with the server through `client` and return what it said, as tests/interop/report.py reads it.
 *
 * `callTool(params, options)` hides that the two SDKs take a call's options in different places.
 */
export async function converse(client, callTool) {
  const call = (name, code, options) => callTool({ name, arguments: { code } }, options);
  return {
    server: client.getServerVersion()?.name ?? '',
    instructions: client.getInstructions() ?? '',
    tools: (await client.listTools()).tools.map(toolSeen),
    search: resultSeen(await call('search', FIND_ZONES)),
    execute: resultSeen(await call('execute', LIST_ZONES)),
    refused: resultSeen(await call('execute', CALL_UNKNOWN)),
    unknownTool: await errorOf(call('no-such-tool', '() => 1')),
    givenUp: await errorOf(call('execute', NEVER_END, { timeout: PATIENCE_MS })),
    afterwards: resultSeen(await call('search', '() => "still there"')),
  };
}

const ADD_RECORD = `async () => {
  const path = "/v1/domain/zone/example.com/record";
  const before = (await ovh.get(path)).length;
  const made = await ovh.post(path, { body: { fieldType: "A", target: "203.0.113.1" } }).catch((e) => ({ by: e.by }));
  return [made.by ?? "made", (await ovh.get(path)).length - before];
}`;

/** Return what stands for a person who gives `answer` to every question, and what one call comes to. */
export function askPerson(answer) {
  const asked = [];
  const handler = async ({ params }) => {
    asked.push(params.message);
    const content = Object.fromEntries(Object.keys(params.requestedSchema.properties).map((name) => [name, answer]));
    return { action: 'accept', content };
  };
  const report = async (callTool) => {
    const result = await callTool({ name: 'execute', arguments: { code: ADD_RECORD } });
    return { asked, execute: resultSeen(result) };
  };
  return { handler, report };
}

/** Print `report` where the test reads it: stdout carries this one line and nothing else. */
export function tell(report) {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** Return how the test wants the server reached: {command, env, cwd} for stdio, {url, token} for HTTP. */
export function parseTarget() {
  return JSON.parse(process.argv.at(-1));
}

/** Return the headers that a person sets for a server with a token. */
export function headersOf({ token }) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Return what a promise that must not succeed failed with. */
export async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return { code: String(error.code ?? error.status ?? ''), message: error.message };
  }
  return { code: '', message: 'there was no error' };
}

function toolSeen({ name, inputSchema, annotations }) {
  return { name, required: inputSchema.required, isReadOnly: annotations.readOnlyHint };
}

function resultSeen({ content, isError }) {
  return { text: content[0].text, isError: isError ?? false };
}
