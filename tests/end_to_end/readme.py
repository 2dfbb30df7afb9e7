"""The three scripts that must work as they stand."""

from typing import Final

FIND_ZONE_OPERATIONS: Final = """(spec) => {
  const found = [];
  for (const [path, methods] of Object.entries(spec.paths))
    if (path.includes("/domain/zone"))
      for (const [method, op] of Object.entries(methods))
        found.push({ method: method.toUpperCase(), path, summary: op.summary });
  return found;
}"""
LIST_ZONES: Final = 'async () => await ovh.request({ method: "GET", path: "/v1/domain/zone" })'
READ_RECORDS: Final = """async () => {
  const ids = await ovh.request({ method: "GET", path: "/v1/domain/zone/example.com/record" });
  const records = [];
  for (const id of ids.slice(0, 10))
    records.push(await ovh.request({ method: "GET", path: `/v1/domain/zone/example.com/record/${id}` }));
  return records;
}"""
