// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page cache of one file for each worker in --dir: written, synced now and then, read back by
 * read and by mmap and checked, cut short and grown again (what was cut reads as zeroes), removed
 * and made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work.h"

static char path[512];
static int fd = -1;
static uint32_t *generation;
static size_t size; /* of the file, in pages */
static char buffer[MAX_CHUNK * PAGE];

static void remove_file(void)
{
	if (*path)
		unlink(path);
}

static void create(void)
{
	if (fd >= 0)
		close(fd);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		work_fail(path);
	for (size_t page = 0; page < work.pages; page++)
		generation[page] = 0;
	size = 0;
}

static void write_chunk(size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		page_fill(buffer + i * PAGE, work.worker, first + i, ++generation[first + i]);
	if (pwrite(fd, buffer, count * PAGE, (off_t)(first * PAGE)) != (ssize_t)(count * PAGE))
		work_fail("pwrite");
	work.did.bytes_written += count * PAGE;
	if (first + count > size)
		size = first + count;
}

static void check_pages(const char *pages, size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		page_check(pages + i * PAGE, work.worker, first + i, generation[first + i]);
	work.did.bytes_read += count * PAGE;
}

static void read_chunk(size_t first, size_t count)
{
	if (pread(fd, buffer, count * PAGE, (off_t)(first * PAGE)) != (ssize_t)(count * PAGE))
		work_fail("pread");
	check_pages(buffer, first, count);
}

static void map_chunk(size_t first, size_t count)
{
	char *pages = mmap(NULL, count * PAGE, PROT_READ, MAP_SHARED, fd, (off_t)(first * PAGE));

	if (pages == MAP_FAILED)
		work_fail("mmap");
	check_pages(pages, first, count);
	munmap(pages, count * PAGE);
}

static void resize(size_t pages)
{
	if (ftruncate(fd, (off_t)(pages * PAGE)))
		work_fail("ftruncate");
	for (size_t page = pages; page < size; page++)
		generation[page] = 0;
	size = pages;
	work.did.truncates++;
}

static void change_size(void)
{
	resize(size - size / 8);
	resize(size + (work.pages - size) / 8);
}

static void renew(void)
{
	remove_file();
	work.did.unlinks++;
	create();
}

static void turn(void)
{
	size_t first, count;
	size_t what = work_random(128);

	if (what < 64 || !size) {
		first = work_chunk(work.pages, &count);
		write_chunk(first, count);
		return;
	}
	first = work_chunk(size, &count);
	if (what < 94) {
		read_chunk(first, count);
	} else if (what < 120) {
		map_chunk(first, count);
	} else if (what < 124) {
		change_size();
	} else if (what < 127) {
		if (fsync(fd))
			work_fail("fsync");
		work.did.fsyncs++;
	} else if (work_random(4) == 0) {
		renew();
	}
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	generation = work_map(work.pages * sizeof(*generation) / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	work_cleanup = remove_file;
	snprintf(path, sizeof(path), "%s/file-%u", work.dir, work.worker);
	create();
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		work.did.rounds++;
	}
	work_end();
}
