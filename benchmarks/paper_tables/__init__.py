"""Tables 1, 2, 3 and 6 of the pix2pix paper and its figures 4, 5, 6 and 9, made anew on CamVid.

    cd benchmarks
    python -m paper_tables CAMVID OUT --judge JUDGE

CAMVID holds the splits ``train``, ``val`` and ``test``, each of ``photo/*.jpg`` and ``labels/*.png`` of class ids, with
11 for pixels that have none; JUDGE is what ``i2i judge train`` made of it, at the size of the profile. Writes
``tables.md``, ``tables.json`` and ``pictures`` into OUT. Stopped at any moment, the same command goes on; every cell of
a seed is trained before any of the next, so that there are whole seeds. Of the split test the frames ``Seq05VD_*`` are
judged.

``--profile small`` (64 pixels, width 32, batch 8, 1,500 steps) is meant for two CPU cores, and so is
``--profile quick`` (width 16, 600 steps), which takes about 20 minutes of CPU a seed. ``--profile paper`` (256 pixels,
width 64, 200 epochs, the paper's receptive fields) is meant for a GPU, and takes a judge of 256 pixels. Give each
profile a folder of its own. The page docs/reproduce.md has what came of it.
"""
