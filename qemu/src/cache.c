// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk file's page cache from all sides: filled by read, readahead and posix_fadvise, thrown away
 * by posix_fadvise, by drop_caches (worker 0) and by O_DIRECT reads and writes over it, while it is mapped or
 * not. What is read has to be what was last written, whichever way either went.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work.h"
#include "work-region.h"

static struct region file; /* mapped, and only read through the mapping */
static char path[512];
static int fd, direct;
static char buffer[MAX_CHUNK * PAGE] __attribute__((aligned(PAGE)));

static void remove_file(void)
{
	if (*path)
		unlink(path);
}

static off_t at(size_t page)
{
	return (off_t)(page * PAGE);
}

static void put(int to, size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		page_fill(buffer + i * PAGE, file.tag, first + i, ++file.generation[first + i]);
	if (pwrite(to, buffer, count * PAGE, at(first)) != (ssize_t)(count * PAGE))
		work_fail(to == direct ? "pwrite, O_DIRECT" : "pwrite");
	work.did.bytes_written += count * PAGE;
}

static void get(int from, size_t first, size_t count)
{
	if (pread(from, buffer, count * PAGE, at(first)) != (ssize_t)(count * PAGE))
		work_fail(from == direct ? "pread, O_DIRECT" : "pread");
	for (size_t i = 0; i < count; i++)
		page_check(buffer + i * PAGE, file.tag, first + i, file.generation[first + i]);
	work.did.bytes_read += count * PAGE;
}

/* Only clean pages that nobody maps can be thrown away. */
static void clean(size_t first, size_t count)
{
	madvise(file.memory + first * PAGE, count * PAGE, MADV_DONTNEED);
	if (sync_file_range(fd, at(first), at(count),
			    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) &&
	    fsync(fd))
		work_fail("fsync");
	work_note("ranges_synced", 1);
}

static void throw_away(size_t first, size_t count)
{
	size_t out;

	clean(first, count);
	out = region_out(&file, first, count);
	if (posix_fadvise(fd, at(first), at(count), POSIX_FADV_DONTNEED))
		work_fail("posix_fadvise");
	work_note("pages_thrown_away", region_out(&file, first, count) - out);
}

static void drop_caches(void)
{
	int control = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (control < 0 || write(control, "1", 1) != 1)
		work_fail("drop_caches");
	close(control);
	work_note("caches_dropped", 1);
}

static void read_ahead(size_t first, size_t count, bool advise)
{
	size_t out = region_out(&file, first, count), left;

	if (advise ? posix_fadvise(fd, at(first), at(count), POSIX_FADV_WILLNEED) : readahead(fd, at(first), count * PAGE))
		work_fail(advise ? "posix_fadvise" : "readahead");
	left = region_out(&file, first, count);
	work_note("pages_read_ahead", out > left ? out - left : 0);
}

static void turn(void)
{
	size_t count, first = work_chunk(file.pages, &count), what = work_kind(64);

	if (what < 12) {
		put(fd, first, count);
	} else if (what < 20) {
		get(fd, first, count);
	} else if (what < 28) {
		region_check(&file, first, count);
	} else if (what < 36) {
		get(direct, first, count);
		work_note("direct_reads", 1);
	} else if (what < 44) {
		put(direct, first, count);
		work_note("direct_writes", 1);
	} else if (what < 52) {
		throw_away(first, count);
	} else if (what < 63) {
		read_ahead(first, count, what % 2);
	} else if (!work.worker) {
		drop_caches();
	}
	/* Both ways that go through the cache have to see what went around it. */
	if (what % 4 == 0)
		region_check(&file, first, count);
	else if (what % 4 == 1)
		get(fd, first, count);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	work_cleanup = remove_file;
	fd = region_map_file(&file, work.pages, path, "cache");
	direct = open(path, O_RDWR | O_DIRECT);
	if (direct < 0 && errno == EINVAL)
		work_skip("the file system knows no O_DIRECT");
	if (direct < 0)
		work_fail(path);
	for (size_t first = 0; first < file.pages && work_sets_up(); first += MAX_CHUNK)
		put(fd, first, file.pages - first < MAX_CHUNK ? file.pages - first : MAX_CHUNK);
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		work.did.rounds++;
	}
	work_end();
}
