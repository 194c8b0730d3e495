"""A mapped file: what is written to memory is in the file, it grows while it
is mapped, a private view keeps its changes to itself, a hole costs nothing.

    python3 08_mapped_file.py
"""
import neap

PAGE = 4096

with neap.Segment.create("file:08.bin", 2 * PAGE) as file:  # open
    mapping = file.map()                                    # mmap
    mapping.write_bytes(0, b"hello")
    mapping.sync()                                          # msync
    with open("08.bin", "rb") as plain:
        print("the file says", plain.read(5).decode())

    file.resize(4 * PAGE)                                   # ftruncate
    more = file.map(offset=3 * PAGE, length=5)
    more.write_bytes(0, b"grown")

    with file.map(private=True) as mine:                    # MAP_PRIVATE
        mine.write_bytes(0, b"mine!")
        print("others still see", mapping.bytes(0, 5).decode())

    file.punch(0, PAGE)                                     # PUNCH_HOLE
    print(f"first byte {mapping.read(0, 'u1')}, "
          f"last word {more.bytes().decode()}")
    more.close()                                            # munmap
    mapping.close()
    file.unlink()                                           # unlink
