// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private maps of a file: what is only read is the file's page, what is written becomes an anonymous
 * copy of it, charged beside it. Some pages are read first, some written at once; a child has copies of
 * its own; what is dropped shows the file again. The file itself never changes but by write(2), and that shows
 * wherever there is no copy.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work-child.h"
#include "work-region.h"
#include "work.h"

#define COPY_TAG 0x200u

static struct region file; /* the shared mapping */
static struct region copy; /* the private one: generation 0 is the file's page */
static char path[512];
static int fd;

static void remove_file(void)
{
	if (*path)
		unlink(path);
}

static bool check(size_t first, size_t count)
{
	for (size_t page = first; page < first + count; page++) {
		const char *at = copy.memory + page * PAGE;

		if (!(copy.generation[page] ? page_check(at, copy.tag, page, copy.generation[page])
					    : page_check(at, file.tag, page, file.generation[page])))
			return false;
	}
	work.did.bytes_read += count * PAGE;
	return true;
}

/* Every other page without having looked at it. */
static void write_copies(size_t first, size_t count)
{
	unsigned long copied = 0;

	for (size_t page = first; page < first + count; page++) {
		if (page % 2)
			page_check(copy.memory + page * PAGE, copy.generation[page] ? copy.tag : file.tag, page,
				   copy.generation[page] ? copy.generation[page] : file.generation[page]);
		copied += !copy.generation[page];
		page_fill(copy.memory + page * PAGE, copy.tag, page, ++copy.generation[page]);
	}
	work_note("pages_copied", copied);
}

static void write_file(size_t first, size_t count)
{
	static char buffer[MAX_CHUNK * PAGE];

	for (size_t i = 0; i < count; i++)
		page_fill(buffer + i * PAGE, file.tag, first + i, ++file.generation[first + i]);
	if (pwrite(fd, buffer, count * PAGE, (off_t)(first * PAGE)) != (ssize_t)(count * PAGE))
		work_fail("pwrite");
	work.did.bytes_written += count * PAGE;
}

static void fork_and_write(size_t first, size_t count)
{
	pid_t pid = child_fork();

	if (!pid) {
		if (!check(first, count))
			child_end();
		memset(copy.generation + first, 0, count * sizeof(*copy.generation));
		copy.tag += CHILD_TAG;
		for (size_t page = first; page < first + count; page++)
			page_fill(copy.memory + page * PAGE, copy.tag, page, ++copy.generation[page]);
		check(first, count);
		child_end();
	}
	write_copies(first, count / 2);
	child_wait(pid);
}

static void turn(void)
{
	size_t count, first = work_chunk(file.pages, &count);

	switch (work.did.rounds % 16 ? work_kind(8) : 8) {
	case 0:
	case 1: write_file(first, count); break;
	case 2: region_drop(&copy, first, count); break;
	case 3: region_check(&file, first, count); break;
	case 8: fork_and_write(first, count); break;
	default: write_copies(first, count);
	}
	check(first, count);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	work_cleanup = remove_file;
	fd = region_map_file(&file, work.pages / 2, path, "cow");
	region_map(&copy, file.pages, MAP_PRIVATE, fd, work.worker + COPY_TAG);
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		work.did.rounds++;
	}
	work_end();
}
