"""`ovh-api-mcp simulate` as a person starts it."""

import asyncio
import re
import signal
import sys
import urllib.request
from contextlib import aclosing

import anyio
import anyio.to_thread
import pytest

from ovh_api_mcp.cli.simulate import simulate
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

RUN = "import sys; from ovh_api_mcp.cli.simulate import simulate; simulate(sys.argv[1:])"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_serves_until_it_is_told_to_end(ending: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        with anyio.fail_after(30):
            shown = ""
            while "OVH_CLIENT_SECRET" not in shown:
                line = await process.stdout.readline()
                assert line, shown
                shown += line.decode()
            found = re.search(r"http://127\.0\.0\.1:\d+", shown)
            assert found is not None
            url = f"{found[0]}/v1/auth/time"
            await anyio.to_thread.run_sync(lambda: urllib.request.urlopen(url, timeout=20).close())
            assert f"OVH_ENDPOINT={found[0]} OVH_APPLICATION_KEY=simulated-app-key" in shown
            process.send_signal(ending)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_command_says_that_a_port_is_in_use() -> None:
    async with aclosing(await Simulator.start()) as running:
        port = running.url.rpartition(":")[2]

        def run() -> None:
            simulate.main(["--port", port], standalone_mode=False)

        with pytest.raises(SettingsError) as raised:
            await anyio.to_thread.run_sync(run)
    assert raised.value.code == "port-in-use"
