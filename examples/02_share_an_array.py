"""Workers fill the rows of one table of products. Each row goes to whoever is
free, and the parent reads what they wrote.

    python3 02_share_an_array.py
"""
import neap

WORKERS, SIZE = 4, 512

with neap.heap() as heap:
    # A numpy.ndarray (a memoryview without numpy); the memory is shared.
    products = heap.array("products", (SIZE, SIZE), "f64")

    def work(worker):
        for i in worker.range(SIZE):
            for j in range(SIZE):
                products[i, j] = (i + 1) * (j + 1)

    neap.run(WORKERS, work)
    print(f"{SIZE} x {SIZE} products: their sum is {products.sum():.0f}, "
          f"the greatest {products.max():.0f}")
