/*
 * Draw the Mandelbrot set. The image is a shared array; each row is computed
 * by whichever worker is free.
 *
 *     04_mandelbrot [OUT.ppm [WIDTH]]              WORKERS=n sets how many
 */
#include "example.h"

enum { LIMIT = 200 }; /* steps until a point counts as inside */

static int64_t width = 960, height;
static neap_array *image;
static const int base[] = {0, 0, 60}, rise[] = {2, 5, 9};


/* How many steps until the point escapes. */
static int escape(double cr, double ci)
{
    double zr = 0, zi = 0;

    for (int n = 0; n < LIMIT; n++) {
        double rr = zr * zr, ii = zi * zi;
        if (rr + ii > 4)
            return n;
        zi = 2 * zr * zi + ci;
        zr = rr - ii + cr;
    }
    return LIMIT;
}


static uint8_t shade(int level)
{
    return (uint8_t)(level < 255 ? level : 255);
}


static int work(neap_worker *worker, void *argument)
{
    uint8_t *pixels = neap_array_data(image);
    neap_range *rows;
    int64_t y;
    (void)argument;

    must(neap_range_open(worker->team, 0, height - 1, 1, 0, &rows));
    while (must(neap_range_next(rows, &y)) == NEAP_MORE)
        for (int64_t x = 0; x < width; x++) {
            double cr = (double)x * 3.75 / (double)width - 2.75;
            double ci = (double)(2 * y - height) * 1.25 / (double)height;
            int n = escape(cr, ci);
            for (int k = 0; k < 3 && n < LIMIT; k++) /* inside stays black */
                pixels[3 * (y * width + x) + k] = shade(base[k] + n * rise[k]);
        }
    neap_range_close(rows);
    return 0;
}


int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "mandelbrot.ppm";
    neap_heap *heap;
    neap_value sum;

    width = argc > 2 ? atol(argv[2]) : width;
    height = width * 2 / 3;
    const uint64_t shape[] = {(uint64_t)height, (uint64_t)width, 3};
    must(neap_heap_open(NULL, NULL, &heap));
    must(neap_array_open(heap, "image", NEAP_TYPE_U8, 3, shape, &image));
    run_with_bar("rows", how_many_workers(), work, NULL);

    FILE *file = fopen(path, "wb");
    if (!file ||
        fprintf(file, "P6\n%lld %lld\n255\n", (long long)width,
                (long long)height) < 0 ||
        !fwrite(neap_array_data(image), neap_array_size(image), 1, file) ||
        fclose(file) != 0) {
        perror(path);
        return 1;
    }
    must(neap_array_sum(image, &sum));
    printf("%lld x %lld points, brightness %llu\n", (long long)width,
           (long long)height, (unsigned long long)sum.as.u);
    neap_array_close(image);
    neap_heap_close(heap);
}
