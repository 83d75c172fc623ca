"""A small sound example of each form of data, made from scratch: what the fuzzer changes."""

import gzip
import io
import json
import struct
import tarfile
import wave
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from drawn import DRAW, noise, picture
from exported_seeds import EXPORTS
from PIL import Image

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
    for kind in range(2):
        for n in range(5):
            tone(root / f"tone{kind}" / f"{n}.wav", kind + 1)


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


def zipped_table(root: Path) -> None:
    with zipfile.ZipFile(root / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", TABLE)


def packed_images(root: Path) -> None:
    with tarfile.open(root / "d.tar.gz", "w:gz") as archive:
        for kind in range(2):
            for n in range(6):
                content = io.BytesIO()
                noise(100 * kind).save(content, "PNG")
                member = tarfile.TarInfo(f"class{kind}/{n}.png")
                member.size = len(content.getvalue())
                content.seek(0)
                archive.addfile(member, content)


def workbook(root: Path) -> None:
    """As little as a workbook of one sheet has to hold (ECMA-376), with its texts in the cells."""
    rows = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in line.split(",")) + "</row>"
        for line in TABLE.splitlines()
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{sheet}sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{sheet}worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(root / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def unanswerable(root: Path) -> None:
    squad(root)
    content = json.loads((root / "q.json").read_text())
    for paper in content["data"][::3]:
        question = {**paper["paragraphs"][0]["qas"][0], "is_impossible": True, "answers": []}
        paper["paragraphs"][0]["qas"].append({**question, "id": paper["title"]})
    for paper in content["data"]:
        for question in paper["paragraphs"][0]["qas"]:
            question.setdefault("is_impossible", False)
    (root / "q.json").write_text(json.dumps({"version": "v2.0", "data": content["data"]}))


def sequences(root: Path) -> None:
    np.savez(root / "d.npz", x_train=DRAW.random((20, 6, 3)).astype(np.float32), y_train=np.arange(20) % 2)


def stacks(root: Path) -> None:
    for kind in range(2):
        for n in range(4):
            (root / f"class{kind}").mkdir(exist_ok=True)
            first, *rest = (noise(100 * kind).convert("L") for _ in range(3))
            first.save(root / f"class{kind}" / f"{n}.tif", save_all=True, append_images=rest)


def tone(file: Path, pitch: float, samples: int = 800) -> None:
    file.parent.mkdir(exist_ok=True)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes((np.sin(np.arange(samples) * pitch / 5) * 9000).astype("<i2").tobytes())


def kaldi(root: Path) -> None:
    for n in range(6):
        tone(root / "wavs" / f"{n}.wav", 1 + n / 4)
    (root / "wav.scp").write_text("".join(f"utt{n} wavs/{n}.wav\n" for n in range(6)))
    (root / "text").write_text("".join(f"utt{n} {('three four', 'five')[n % 2]}\n" for n in range(6)))


def kaldi_segments(root: Path) -> None:
    tone(root / "wavs" / "talk.wav", 1, 8000)
    (root / "wav.scp").write_text("talk wavs/talk.wav\n")
    (root / "segments").write_text("".join(f"anna-{n} talk 0.{n} 0.{n + 2}\n" for n in range(1, 7)))
    (root / "text").write_text("".join(f"anna-{n} {('three four', 'five')[n % 2]}\n" for n in range(1, 7)))
    (root / "utt2spk").write_text("".join(f"anna-{n} anna\n" for n in range(1, 7)))


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
    "zip": (zipped_table, "t.zip"), "tar.gz": (packed_images, "d.tar.gz"), "squad v2": (unanswerable, "q.json"),
    "sequences": (sequences, "d.npz"), "stacks": (stacks, "."), "kaldi": (kaldi, "."), "segments": (kaldi_segments, "."),
    **{name: (make, ".") for name, make in EXPORTS.items()},
    **{ending: (class_folders(ending), ".") for ending in ("png", "jpg", "gif", "bmp", "tif", "ppm", "webp")},
}  # fmt: skip
"""Name -> what makes it in an empty folder, and what of that is given as DATA."""
if find_spec("python_calamine"):
    SEEDS["xlsx"] = (workbook, "t.xlsx")
