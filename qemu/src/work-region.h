// SPDX-License-Identifier: GPL-2.0-only
/* A mapping whose every page is known: what was last written to it, or that it must be zero. */
#ifndef WORK_REGION_H
#define WORK_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct region {
	char *memory;
	uint32_t *generation; /* of each page, see page_fill(); private memory, so that a fork has its own */
	size_t pages, grown;
	uint64_t tag;
};

/* Map @pages pages with mmap's @flags and @fd, all zero. The program ends where that cannot be had. */
void region_map(struct region *region, size_t pages, int flags, int fd, uint64_t tag);

/* A shared mapping of a new file @name-WORKER of @pages pages in --dir; its descriptor. The caller removes the file. */
int region_map_file(struct region *region, size_t pages, char path[512], const char *name);

/* Write every page of the run anew, or check every page of it. */
void region_fill(struct region *region, size_t first, size_t count);
bool region_check(const struct region *region, size_t first, size_t count);

/* Write all of it, while there is time to set up. */
void region_fill_all(struct region *region);

/*
 * Write the next few pages, once a round until all are: the work proper begins at once, and the working set comes to
 * its size, where each fault may have to reclaim, beside it.
 */
void region_grow(struct region *region);

/* MADV_DONTNEED: anonymous memory is zero afterwards. */
void region_drop(struct region *region, size_t first, size_t count);

/*
 * How many pages of the run are swapped out as this process maps them (/proc/self/pagemap, 2.6.25): anonymous memory
 * only; the page may still be in the swap cache. Asked of one process only: a child would be told of its parent.
 */
size_t region_swapped(const struct region *region, size_t first, size_t count);

/* How many pages of the run were written and are not in memory (mincore): what a check of them has to read in. */
size_t region_out(const struct region *region, size_t first, size_t count);

#endif
