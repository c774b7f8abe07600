"""Makes assets/fonts/NotoSansSC-subset.otf: of Noto Sans CJK SC (SIL Open Font License) the letters that zh.json needs.

    pip install fonttools
    python scripts/chinese_font.py NotoSansCJK-Regular.ttc        (Debian: package fonts-noto-cjk)

To be run again when a translation gains a letter; a test names the letters that are missing. What a person writes in Chinese
is shown with the system's fonts.
"""
import json
import os
import sys

from fontTools import subset
from fontTools.ttLib import TTCollection

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
with open(f"{ROOT}/assets/texts/zh.json", encoding="utf-8") as file:
    letters = "".join(json.load(file).values()) + "中文界面使用简体"
font = next(f for f in TTCollection(sys.argv[1]).fonts if f["name"].getDebugName(4) == "Noto Sans CJK SC")
options = subset.Options(layout_features=["locl"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True, hinting=False, desubroutinize=True)
subsetter = subset.Subsetter(options)
subsetter.populate(text=letters)
subsetter.subset(font)
out = f"{ROOT}/assets/fonts/NotoSansSC-subset.otf"
font.save(out)
print(f"{len(set(letters))} letters, {os.path.getsize(out)} bytes")
