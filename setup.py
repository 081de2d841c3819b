"""Writes into a built package from which commit it was built; everything else is in pyproject.toml."""

import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


def git(*arguments: str) -> str:
    """What git says; nothing outside a repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


class BuildWithCommit(build_py):
    """Builds the package, and `commit.txt` in it."""

    def run(self) -> None:
        """Copies all files, and writes that one."""
        super().run()
        top, _, commit = git("rev-parse", "--show-toplevel", "HEAD").partition("\n")
        if commit and Path(top).samefile(HERE) and not self.editable_mode:
            changed = " dirty" if git("status", "--porcelain", "--", "src", "conf") else ""
            (Path(self.build_lib) / "convnets" / "commit.txt").write_text(f"{commit}{changed}\n")


setup(cmdclass={"build_py": BuildWithCommit})
