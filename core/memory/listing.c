/* Going through what this machine has of something, see memory.h. */
#include <dirent.h>
#include <stdio.h>

#include "memory/memory.h"


int neap__listing_open(struct neap__listing *listing, const char *what,
                       const char *table)
{
    listing->names = opendir(neap__shm_directory);
    if (!listing->names)
        return neap__fail_why(-errno, "cannot list %s in %s", what,
                              neap__shm_directory);
    listing->table = fopen(table, "re");
    return 0;
}


void neap__listing_close(struct neap__listing *listing)
{
    closedir(listing->names);
    if (listing->table)
        fclose(listing->table);
}


int neap__listing_next(struct neap__listing *listing,
                       neap__describe *describe_name,
                       neap__describe *describe_line, void *ret_info)
{
    struct dirent *entry;
    char line[512];

    while ((entry = readdir(listing->names)))
        if (describe_name(entry->d_name, ret_info))
            return NEAP_MORE;
    while (listing->table && fgets(line, sizeof line, listing->table))
        if (describe_line(line, ret_info))
            return NEAP_MORE;
    return 0;
}
