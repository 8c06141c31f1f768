"""Tables 1, 2, 3 and 6 of the pix2pix paper and its figures 4, 5, 6 and 9, made anew on CamVid.

cd benchmarks
i2i judge train ...
python -m paper_tables CAMVID OUT --judge JUDGE
"""
