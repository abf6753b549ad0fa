// SPDX-License-Identifier: GPL-2.0-only
#include "work-region.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work.h"

void region_map(struct region *region, size_t pages, int flags, int fd, uint64_t tag)
{
	region->memory = work_map(pages, flags, fd);
	region->generation = work_map(pages * sizeof(uint32_t) / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	region->pages = pages;
	region->grown = 0;
	region->tag = tag;
}

int region_map_file(struct region *region, size_t pages, char path[512], const char *name)
{
	int fd;

	snprintf(path, 512, "%s/%s-%u", work.dir, name, work.worker);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		work_fail(path);
	if (ftruncate(fd, (off_t)(pages * PAGE)))
		work_fail("ftruncate");
	region_map(region, pages, MAP_SHARED, fd, work.worker);
	return fd;
}

void region_fill(struct region *region, size_t first, size_t count)
{
	for (size_t page = first; page < first + count; page++)
		page_fill(region->memory + page * PAGE, region->tag, page, ++region->generation[page]);
}

void region_grow(struct region *region)
{
	size_t left = region->pages - region->grown, count = left < MAX_CHUNK ? left : MAX_CHUNK;

	region_fill(region, region->grown, count);
	region->grown += count;
}

void region_fill_all(struct region *region)
{
	while (region->grown < region->pages && work_sets_up())
		region_grow(region);
}

bool region_check(const struct region *region, size_t first, size_t count)
{
	bool well = true;

	for (size_t page = first; page < first + count; page++)
		well &= page_check(region->memory + page * PAGE, region->tag, page, region->generation[page]);
	work.did.bytes_read += count * PAGE;
	return well;
}

void region_drop(struct region *region, size_t first, size_t count)
{
	if (madvise(region->memory + first * PAGE, count * PAGE, MADV_DONTNEED))
		work_fail("madvise");
	for (size_t page = first; page < first + count; page++)
		region->generation[page] = 0;
	work.did.pages_dropped += count;
}

size_t region_swapped(const struct region *region, size_t first, size_t count)
{
	static int pagemap = -1;
	uint64_t entry[MAX_CHUNK];
	size_t swapped = 0, part, number = (uintptr_t)region->memory / PAGE + first;

	if (pagemap < 0)
		pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pagemap < 0)
		work_skip("/proc/self/pagemap: CONFIG_PROC_PAGE_MONITOR");
	for (size_t end = number + count; number < end; number += part) {
		part = end - number < MAX_CHUNK ? end - number : MAX_CHUNK;
		if (pread(pagemap, entry, part * sizeof(*entry), (off_t)(number * sizeof(*entry))) !=
		    (ssize_t)(part * sizeof(*entry)))
			work_fail("/proc/self/pagemap");
		for (size_t i = 0; i < part; i++)
			swapped += entry[i] >> 62 & 1;
	}
	return swapped;
}

size_t region_out(const struct region *region, size_t first, size_t count)
{
	unsigned char in[MAX_CHUNK];
	size_t out = 0, part;

	for (size_t end = first + count; first < end; first += part) {
		part = end - first < MAX_CHUNK ? end - first : MAX_CHUNK;
		if (mincore(region->memory + first * PAGE, part * PAGE, in))
			work_fail("mincore");
		for (size_t i = 0; i < part; i++)
			out += region->generation[first + i] && !(in[i] & 1);
	}
	return out;
}
