"""The plug-in in a real GIMP 3."""

import os
import re
import shutil
import subprocess
import sys

import pytest

NAMES = ['it\'s "a" $(touch pwned) `touch pwned`; touch pwned.dng', "-o.dng", "broken.dng"]
OPEN = """
import os, sys
from gi.repository import Gimp, Gio
for name in sorted(os.listdir("photos")):
    procedure = Gimp.get_pdb().lookup_procedure("file-rawclean-load")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("file", Gio.File.new_for_path(os.path.abspath(os.path.join("photos", name))))
    answer = procedure.run(config)
    if answer.index(0) == Gimp.PDBStatusType.SUCCESS:
        said = f"{answer.index(1).get_width()} {answer.index(1).get_precision().value_name}"
    else:
        said = Gimp.get_pdb().get_last_error()
    print("OPENED", name, said, flush=True)
"""


@pytest.mark.slow
def test_raw_photos_are_opened_denoised_or_refused_in_the_words_of_rawclean(sample, tmp_path):
    gimp = shutil.which("gimp-console-3.0") or shutil.which("gimp-console-3")
    if not gimp or not shutil.which("xvfb-run"):
        pytest.skip("GIMP 3 or xvfb-run is not installed")
    (tmp_path / "photos").mkdir()
    for name in NAMES[:2]:
        shutil.copy(sample, tmp_path / "photos" / name)
    (tmp_path / "photos" / NAMES[2]).write_bytes(b"broken")
    homes = {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "cache"}
    environment = os.environ | {variable: str(tmp_path / name) for variable, name in homes.items()}
    (tmp_path / "config" / "GIMP" / "3.0").mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "rawclean", "integrate", "gimp"], env=environment, check=True)
    command = ["xvfb-run", "-a", gimp, "--batch-interpreter", "python-fu-eval", "-b", OPEN, "--quit"]
    # GIMP's plug-ins are started with the python3 of the path, which has to be the system's
    environment |= {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180)
    opened = dict(re.findall(r"^OPENED (.*\.dng) (.*)$", done.stdout, re.M))
    assert set(opened) == set(NAMES), done.stdout + done.stderr
    assert opened[NAMES[0]] == opened[NAMES[1]] == "576 GIMP_PRECISION_U16_NON_LINEAR"
    assert opened[NAMES[2]].endswith("is it whole?")
    assert not list(tmp_path.rglob("pwned*"))
