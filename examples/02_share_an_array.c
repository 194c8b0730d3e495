/*
 * Workers fill the rows of one table of products. Each row goes to whoever is
 * free, and the parent reads what they wrote.
 *
 *     cc 02_share_an_array.c $(pkg-config --cflags --libs neap)
 */
#include "example.h"

enum { WORKERS = 4, SIZE = 512 };


static int work(neap_worker *worker, void *argument)
{
    neap_array *products = argument;
    double (*table)[SIZE] = neap_array_data(products);
    neap_range *rows;
    int64_t row;
    int status;

    must(neap_range_open(worker->team, 0, SIZE - 1, 1, 0, &rows));
    while ((status = neap_range_next(rows, &row)) == NEAP_MORE)
        for (int column = 0; column < SIZE; column++)
            table[row][column] = (double)((row + 1) * (column + 1));
    neap_range_close(rows);
    return status;
}


int main(void)
{
    const uint64_t shape[] = {SIZE, SIZE};
    neap_heap *heap;
    neap_array *products;
    neap_value sum, max;

    must(neap_heap_open(NULL, NULL, &heap));
    must(neap_array_open(heap, "products", NEAP_TYPE_F64, 2, shape, &products));

    must(neap_run(WORKERS, work, products));

    must(neap_array_sum(products, &sum));
    must(neap_array_max(products, &max));
    printf("%d x %d products: their sum is %.0f, the greatest %.0f\n", SIZE,
           SIZE, sum.as.f, max.as.f);

    neap_array_close(products);
    neap_heap_close(heap);
}
