"""`python -m bench`: measures, shows the table, writes it to .bench/. Exit status 1 if something was not measured."""

import argparse
import asyncio
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.console import Console

from app.cluster.errors import ApiError
from app.cluster.kube import KubeApi
from bench import figures, report
from bench.run import Options, Run
from bench.server import Server, ServerError

_QUIET_LOAD = 1.0
FOLDER = Path(__file__).resolve().parent.parent / ".bench"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=10, help="rollouts one at a time, of each sort (default 10)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of 10 rollouts at once (default 2)")
    parser.add_argument("--apps", type=int, default=5, help="apps of six workloads, one after the other (default 5)")
    parser.add_argument("--installation", default="keptn-system", help="the namespace that Holdfast runs in")
    parser.add_argument("--strict", action="store_true", help="exit status 1 also for a goal that was not met")
    given = parser.parse_args()
    console = Console(highlight=False)
    kubeconfig = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    if not kubeconfig.is_file():
        console.print(f"There is no cluster to measure: {kubeconfig} is not there. Run `make cluster` first.")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what it put into the cluster is taken away
    options = Options(given.rollouts, given.rounds, given.apps, given.installation)
    try:
        return asyncio.run(_measure(console, options, given.strict))
    except (ApiError, ServerError) as error:
        console.print(f"The cluster does not answer as it should: {error}", style="bold red", markup=False)
    except TimeoutError:
        console.print("A rollout did not get done in time; look at the namespaces holdfast-bench….", style="bold red")
    except KeyboardInterrupt:
        console.print("Stopped; nothing of it is left in the cluster.")
    return 1


async def _measure(console: Console, options: Options, strict: bool) -> int:
    began, load = time.monotonic(), os.getloadavg()[0]
    api, server = await KubeApi.connect(), await Server.connect()
    try:
        measured = await Run(api, server, options, console.print).measure()
        version = await server.version()
    finally:
        await api.aclose()
        await server.aclose()
    rows = figures.rows(measured)
    now = datetime.now(UTC)
    about = {
        "at": now.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "kubernetes": version,
        "cpus": os.cpu_count(),
        "load_before": round(load, 1),
        "rollouts": options.rollouts,
        "rounds": options.rounds,
        "apps": options.apps,
    }
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{now:%Y%m%dT%H%M%SZ}.json"
    document = report.document(rows, about, {name: list(values) for name, values in measured.series.items()})
    file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    console.print(report.table(rows))
    if load > _QUIET_LOAD:
        console.print(f"Other work was running before the start (load {load:.1f}), and has made the times longer.")
    console.print(f"Kubernetes {version} on {about['cpus']} CPUs, {about['seconds']} s in all. Every value: {file}")
    return report.exit_status(rows, strict=strict)


if __name__ == "__main__":
    sys.exit(main())
