"""What the benchmarks say of the machine that they ran on."""

import os
import platform
from pathlib import Path


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores"
