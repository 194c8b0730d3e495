"""News that nobody can change: a memory file, sealed, given to a process over a
Unix socket.

    python3 11_memfd.py
"""
import neap


def read_news():  # any other process will do
    with neap.Segment.take("11.sock", 10) as news:
        with news.map(prot="r") as mapping:
            word = mapping.bytes(0, 5).decode()
        try:
            news.map(prot="rw")
        except PermissionError:
            print(f"read {word}, write EACCES", flush=True)


reader = neap.fork(read_news)
with neap.Segment.create("memfd:news", 4096) as news:  # memfd_create
    with news.map() as mapping:
        mapping.write_bytes(0, b"hello")
    news.seal("write", "grow", "shrink")               # F_ADD_SEALS
    news.give("11.sock", 10)                           # SCM_RIGHTS
    reader.wait()
    try:
        news.resize(8192)
        print("resize done")
    except OSError:
        print("resize refused")
