"""
Environments for the peers: a virtual environment for each, since their pins contradict one another.

    python benchmarks/quality/environments.py peers --python python3.11
"""

import argparse
import subprocess
from pathlib import Path

PEERS = {
    "splink": ("splink==5.0.0", "duckdb==2.0.0"),
    "anonlink": ("clkhash==0.18.3", "anonlink==0.15.3", "cryptography<41", "setuptools<81"),
    "recordlinkage": ("recordlinkage==0.16", "pandas<3"),
}


def environment(folder, python, pins):
    """Make an environment, unless it is there with these packages, and give its interpreter."""
    interpreter, made = folder / "bin" / "python", folder / "made_of.txt"
    if made.exists() and made.read_text(encoding="utf-8") == "\n".join(pins):
        return interpreter
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", *pins], check=True)
    made.write_text("\n".join(pins), encoding="utf-8")
    return interpreter


def environments(folder, python, peers=tuple(PEERS)):
    """Make the environments of some peers, and give their interpreters by name."""
    return {peer: environment(folder / peer, python, PEERS[peer]) for peer in peers}


def main():
    """Make all environments in a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="python3.11", help="a Python that clkhash runs on, at most 3.11")
    chosen = parser.parse_args()
    for peer, interpreter in environments(chosen.folder, chosen.python).items():
        print(f"{peer}: {interpreter}")


if __name__ == "__main__":
    main()
