"""A small sound example of each form of data, made from scratch: what the fuzzer changes."""

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

DRAW = np.random.default_rng(0)
TABLE = "age,height,born,colour,target\n" + "".join(
    f"{20 + n},{1.5 + n / 100},20{10 + n % 9}-01-0{1 + n % 9},{('red', 'blue')[n % 2]},{('yes', 'no')[n % 3 == 0]}\n"
    for n in range(40)
)
PDB_ATOM = "ATOM  {:5d}  {:<3s} {:3s} A{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00           {}\n"


def table(root: Path) -> None:
    (root / "t.csv").write_text(TABLE)


def packed_table(root: Path) -> None:
    (root / "t.csv.gz").write_bytes(gzip.compress(TABLE.encode(), mtime=0))


def json_lines(root: Path) -> None:
    rows = [
        dict(zip(TABLE.split("\n")[0].split(","), line.split(","), strict=True)) for line in TABLE.split("\n")[1:-1]
    ]
    (root / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def parquet(root: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    (root / "t.csv").write_text(TABLE)
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(root / "t.csv"), root / "t.parquet")
    (root / "t.csv").unlink()


def series(root: Path) -> None:
    rows = [
        f"2020-01-{1 + n // 24:02d} {n % 24:02d}:00:00,{np.sin(n / 4):.4f},{np.cos(n / 5):.4f}\n"
        for n in range(24 * 25)
    ]
    (root / "s.csv").write_text("time,a,b\n" + "".join(rows))


def texts(root: Path) -> None:
    rows = [f"{('a fine film', 'a dull film')[n % 2]} number {n}\t{('good', 'bad')[n % 2]}\n" for n in range(40)]
    (root / "t.tsv").write_text("text\ttarget\n" + "".join(rows))


def plain_text(root: Path) -> None:
    (root / "book.txt").write_text("the cat sat on the mat and the dog ran away. " * 60)


def parallel(root: Path) -> None:
    for name, words in (("train.en", "a man walks {}"), ("train.de", "ein Mann geht {}")):
        (root / name).write_text("".join(words.format(n) + "\n" for n in range(30)))


def molecules(root: Path) -> None:
    smiles = ["CCO", "CC(=O)O", "c1ccccc1", "CCN", "CC(C)O", "C1CCCCC1", "CCCl", "OCCO", "CC#N", "c1ccncc1"]
    rows = [f"m{n},{smiles[n % 10]},{n / 10:.2f}\n" for n in range(30)]
    (root / "m.csv").write_text("name,smiles,solubility\n" + "".join(rows))


def squad(root: Path) -> None:
    context = "Anna Weber built the bridge in 1907 near the old town."
    asked = [
        {"id": str(n), "question": f"Who built it {n}?", "answers": [{"text": "Anna Weber", "answer_start": 0}]}
        for n in range(12)
    ]
    data = [
        {"title": f"t{n}", "paragraphs": [{"context": f"{context} {n}", "qas": [{**asked[n], "id": f"{n}"}]}]}
        for n in range(12)
    ]
    (root / "q.json").write_text(json.dumps({"version": "1.1", "data": data}))


def json_list(root: Path) -> None:
    rows = [
        {"text": f"{('a fine film', 'a dull film')[n % 2]} {n}", "target": ("good", "bad")[n % 2]} for n in range(40)
    ]
    (root / "t.json").write_text(json.dumps(rows))


def question_table(root: Path) -> None:
    rows = [
        f"The town of {'ABCDEF'[n % 6]}ton lies at river {n}.,Which town {n}?,{'ABCDEF'[n % 6]}ton\n" for n in range(30)
    ]
    (root / "q.csv").write_text("context,question,answer\n" + "".join(rows))


def memory(root: Path) -> None:
    unit = '<tu><tuv xml:lang="en"><seg>a man walks {0}</seg></tuv><tuv xml:lang="de"><seg>ein Mann geht {0}</seg></tuv></tu>\n'
    body = "".join(unit.format(n) for n in range(30))
    (root / "m.tmx").write_text(f'<?xml version="1.0"?>\n<tmx version="1.4"><body>{body}</body></tmx>')


def labelled(root: Path) -> None:
    rows = [f"__label__{('good', 'bad')[n % 2]} a {('fine', 'dull')[n % 2]} film number {n}\n" for n in range(60)]
    (root / "l.txt").write_text("".join(rows))


def packed_records(root: Path) -> None:
    rows = [f">s{n} class={('a', 'b')[n % 2]}\n{('ACGT', 'GGCA')[n % 2] * 6}\n" for n in range(40)]
    with gzip.open(root / "r.fa.gz", "wb") as file:
        file.write("".join(rows).encode())


def sdf(root: Path) -> None:
    block = "\n  x\n\n{0:3d}  0  0  0  0  0  0  0  0  0999 V2000\n{1}M  END\n> <y>\n{0}.5\n\n$$$$\n"
    atom = "    0.0000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0\n"
    (root / "m.sdf").write_text("".join(block.format(n % 5 + 1, atom * (n % 5 + 1)) for n in range(30)))


def picture(file: Path, shade: int, mode: str = "RGB", **how: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = DRAW.integers(0, 60, (12, 12, 3), dtype=np.uint8) + np.uint8(shade)
    Image.fromarray(pixels).convert(mode).save(file, **how)


def class_folders(ending: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for kind in range(2):
            for n in range(6):
                picture(root / f"class{kind}" / f"{n}.{ending}", 100 * kind)

    return make


def npz(root: Path) -> None:
    np.savez(root / "d.npz", x_train=DRAW.random((20, 5)).astype(np.float32), y_train=np.arange(20) % 2)


def npy(root: Path) -> None:
    np.save(root / "x.npy", DRAW.random((20, 5)).astype(np.float32))
    np.save(root / "y.npy", np.arange(20) % 2)


def idx(root: Path) -> None:
    images = DRAW.integers(0, 255, (20, 8, 8), dtype=np.uint8)
    (root / "train-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 20, 8, 8) + images.tobytes())
    (root / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 20) + bytes(n % 3 for n in range(20)))


def waves(root: Path) -> None:
    import wave

    for kind in range(2):
        for n in range(5):
            file = root / f"tone{kind}" / f"{n}.wav"
            file.parent.mkdir(exist_ok=True)
            with wave.open(str(file), "wb") as out:
                out.setparams((1, 2, 8000, 0, "NONE", ""))
                out.writeframes((np.sin(np.arange(800) * (kind + 1) / 5) * 9000).astype("<i2").tobytes())


def coco(root: Path) -> None:
    images = [{"id": n, "file_name": f"{n}.png", "width": 12, "height": 12} for n in range(8)]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": [1, 2, 5, 6], "area": 30, "iscrowd": 0}
        for n in range(8)
    ]
    for n in range(8):
        picture(root / "images" / f"{n}.png", 20 * n)
    kinds = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    (root / "instances.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": kinds}))


def yolo(root: Path) -> None:
    (root / "labels").mkdir()
    for n in range(8):
        picture(root / "images" / f"{n}.png", 20 * n)
        (root / "labels" / f"{n}.txt").write_text(f"{n % 2} 0.5 0.5 0.2 0.3\n")
    (root / "data.yaml").write_text("names: [cat, dog]\n")


def voc(root: Path) -> None:
    (root / "Annotations").mkdir()
    for n in range(8):
        picture(root / "JPEGImages" / f"{n}.png", 20 * n)
        box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>8</xmax><ymax>9</ymax></bndbox>"
        (root / "Annotations" / f"{n}.xml").write_text(
            f'<?xml version="1.0"?><annotation><filename>{n}.png</filename><object><name>cat</name>{box}</object></annotation>'
        )


def imglab(root: Path) -> None:
    rows = []
    for n in range(8):
        picture(root / f"{n}.png", 20 * n)
        rows.append(
            f"<image file='{n}.png'><box top='1' left='2' width='5' height='6'><label>cat</label></box></image>"
        )
    (root / "training.xml").write_text(f"<?xml version='1.0'?><dataset><images>{''.join(rows)}</images></dataset>")


def masks(root: Path) -> None:
    for n in range(6):
        picture(root / "images" / f"{n}.png", 20 * n)
        (root / "masks").mkdir(exist_ok=True)
        Image.fromarray((DRAW.random((12, 12)) > 0.5).astype(np.uint8)).save(root / "masks" / f"{n}.png")


def structures(root: Path) -> None:
    for n in range(3):
        lines, serial = "", 1
        for residue in range(40):
            for atom, shift in (("N", 0.0), ("CA", 1.4), ("C", 2.4), ("O", 3.1)):
                place = (3.8 * residue + shift, np.sin(residue + n), np.cos(residue))
                lines += PDB_ATOM.format(
                    serial, atom, ("ALA", "GLY", "SER")[(residue + n) % 3], residue + 1, *place, atom[0]
                )
                serial += 1
        (root / f"p{n}.pdb").write_text(lines + "END\n")


SEEDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "csv": (table, "t.csv"), "csv.gz": (packed_table, "t.csv.gz"), "jsonl": (json_lines, "t.jsonl"),
    "parquet": (parquet, "t.parquet"),
    "series": (series, "s.csv"), "texts": (texts, "t.tsv"), "text": (plain_text, "book.txt"), "parallel": (parallel, "."),
    "molecules": (molecules, "m.csv"), "squad": (squad, "q.json"), "npz": (npz, "d.npz"), "npy": (npy, "x.npy"),
    "idx": (idx, "."),
    "wav": (waves, "."), "coco": (coco, "."), "yolo": (yolo, "."), "voc": (voc, "."), "imglab": (imglab, "."),
    "masks": (masks, "."),
    "structures": (structures, "."), "json": (json_list, "t.json"), "questions": (question_table, "q.csv"),
    "tmx": (memory, "m.tmx"), "labelled": (labelled, "l.txt"), "fasta": (packed_records, "r.fa.gz"), "sdf": (sdf, "m.sdf"),
    **{ending: (class_folders(ending), ".") for ending in ("png", "jpg", "gif", "bmp", "tif", "ppm", "webp")},
}  # fmt: skip
"""Name -> what makes it in an empty folder, and what of that is given as DATA."""
