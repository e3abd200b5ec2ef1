"""Datasets as others publish them, and the table and notes of a folder of pictures."""

from __future__ import annotations

from pathlib import Path


def write_sources(root: Path) -> None:
    """Write a MedIMeta folder, a MedMNIST archive, and a folder of pictures."""
    from source_writers import write_images, write_medimeta, write_npz

    folder = write_medimeta(root / "medimeta", tiffs=False)
    names = [f"images/{row:06d}.tiff" for row in range(60)]
    (folder / "annotations.csv").write_text(
        "filepath,patient_id\n" + "".join(f"{name},p{row // 2}\n" for row, name in enumerate(names))
    )
    (root / "npz").mkdir()
    write_npz(root / "npz/bloodmnist_28.npz")
    images = root / "images/rays"
    write_images(images, [f"{label}{index}.png" for label in "ab" for index in range(2)])
    (images / "metadata.csv").write_text(
        "file_name,label\n" + "".join(f"{a}{b}.png,{a}\n" for a in "ab" for b in range(2))
    )
    ids = root / "ids"
    ids.mkdir()
    (ids / "rays.csv").write_text(
        "split,image_id,file,frame,patient,group\ntest,000000,a/0.png,,,\ntest,000001,a/1.png,,p1,0\n"
    )
