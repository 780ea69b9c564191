"""Writes the vectors of json.org's JSON_checker, as Python's own tests have them, into a folder.

    python checker.py FOLDER

`fail-N.json` is no JSON or breaks the checker's own rules, `pass-N.json` is.
"""

import sys
from pathlib import Path
from test.test_json import test_fail, test_pass1, test_pass2, test_pass3

folder = Path(sys.argv[1])
for number, text in enumerate(test_fail.JSONDOCS, 1):
    (folder / f"fail-{number}.json").write_text(text)
for number, module in enumerate((test_pass1, test_pass2, test_pass3), 1):
    (folder / f"pass-{number}.json").write_text(module.JSON)
