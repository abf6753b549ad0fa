// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tmpfs file larger than the group may have: its pages go out to swap and come in again, by read, by
 * write, and by a child that maps them; holes are punched (3.5), its end is cut off and small files beside it are
 * removed while they are out, which gives the swap back.
 *
 * 2.6.27 may fail to charge a page that comes in (-ENOMEM; a task that only touched it is killed): the group's right,
 * counted and tried again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "work-child.h"
#include "work-region.h"
#include "work.h"

static struct region file; /* mapped, to ask what is out; touched through the mapping by children only */
#define ASIDE 16
#define ASIDE_PAGES 16
#define CROWD 32

static char path[512], aside[512], buffer[MAX_CHUNK * PAGE];
static int fd;
static bool no_holes, no_crowd;

static int remove_aside(unsigned number)
{
	snprintf(aside, sizeof(aside), "%s/aside-%u-%u", work.dir, work.worker, number % ASIDE);
	return unlink(aside);
}

static int leave_crowd(unsigned number)
{
	snprintf(aside, sizeof(aside), "%s/crowd-%u-%u", work.dir, work.worker, number);
	return unlink(aside);
}

/* Of one page, which goes out at once: MADV_PAGEOUT, 5.4. */
static void join_crowd(unsigned number)
{
	char *page = MAP_FAILED;
	int one;

	snprintf(aside, sizeof(aside), "%s/crowd-%u-%u", work.dir, work.worker, number);
	one = open(aside, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (one < 0)
		work_fail(aside);
	if (write(one, buffer, PAGE) == PAGE)
		page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, one, 0);
	close(one);
	if (page == MAP_FAILED)
		return;
	(void)*(volatile char *)page;
	no_crowd = madvise(page, PAGE, MADV_PAGEOUT) && errno == EINVAL;
	munmap(page, PAGE);
}

/*
 * Small files by turns: all of them go out to swap, and all are removed at once. Those that come the next time get the
 * memory of those that are gone, and so meet what the kernel still holds of them, such as a place on a list.
 */
static void crowd(void)
{
	static bool there;

	for (unsigned number = 0; number < CROWD && !no_crowd; number++) {
		if (!there)
			join_crowd(number);
		else if (!leave_crowd(number))
			work_note("files_put_out", 1);
	}
	there = !there;
}

static void remove_files(void)
{
	for (unsigned number = 0; number < ASIDE; number++)
		remove_aside(number);
	for (unsigned number = 0; number < CROWD; number++)
		leave_crowd(number);
	if (*path)
		unlink(path);
}

/* All of it comes in again: the file has no swap any more when it goes. */
static void read_aside(unsigned number)
{
	static char page[PAGE];
	int beside;

	snprintf(aside, sizeof(aside), "%s/aside-%u-%u", work.dir, work.worker, number % ASIDE);
	beside = open(aside, O_RDONLY);
	while (beside >= 0 && read(beside, page, PAGE) > 0)
		;
	close(beside);
}

/* A small file in the place of one that was made so long ago that it is out by now, and goes with its swap or without. */
static void turn_over(void)
{
	static unsigned made;
	int beside;

	if (work_random(2))
		read_aside(made);
	if (!remove_aside(made++))
		work_note("files_removed", 1);
	beside = open(aside, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (beside < 0)
		work_fail(aside);
	if (write(beside, buffer, ASIDE_PAGES * PAGE) < 0 && errno != ENOMEM)
		work_fail("write");
	close(beside);
}

/* False when the group had no room for a page. */
static bool through(bool write, size_t first, size_t count)
{
	off_t at = (off_t)(first * PAGE);
	ssize_t size = (ssize_t)(count * PAGE), done = 0, step;

	while (done < size) {
		step = write ? pwrite(fd, buffer + done, (size_t)(size - done), at + done)
			     : pread(fd, buffer + done, (size_t)(size - done), at + done);
		if (step > 0) {
			done += step;
			continue;
		}
		if (step == 0 || errno != ENOMEM)
			work_fail(write ? "pwrite" : "pread");
		work_note("no_room", 1);
		if (!work_goes_on())
			return false;
	}
	return true;
}

static void read_pages(size_t first, size_t count)
{
	if (!through(false, first, count))
		return;
	for (size_t i = 0; i < count; i++)
		page_check(buffer + i * PAGE, file.tag, first + i, file.generation[first + i]);
	work.did.bytes_read += count * PAGE;
}

/* Cut short by the end of the time, a run is half old and half new: nothing is read after that. */
static void write_pages(size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		page_fill(buffer + i * PAGE, file.tag, first + i, ++file.generation[first + i]);
	if (through(true, first, count))
		work.did.bytes_written += count * PAGE;
}

static void read_mapped(size_t first, size_t count)
{
	pid_t pid = child_fork();

	if (!pid) {
		region_check(&file, first, count);
		child_end();
	}
	child_wait(pid);
}

static void forget(size_t first, size_t count)
{
	memset(file.generation + first, 0, count * sizeof(*file.generation));
	work.did.pages_dropped += count;
}

static void punch(size_t first, size_t count)
{
	if (no_holes)
		return;
	if (!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(first * PAGE), (off_t)(count * PAGE))) {
		forget(first, count);
		work_note("holes", 1);
		return;
	}
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		work_fail("fallocate");
	no_holes = true;
}

static void cut(size_t count)
{
	size_t first = file.pages - count;

	if (ftruncate(fd, (off_t)(first * PAGE)) || ftruncate(fd, (off_t)(file.pages * PAGE)))
		work_fail("ftruncate");
	forget(first, count);
	work.did.truncates++;
}

static void turn(void)
{
	size_t count, first = work_chunk(file.pages, &count);

	switch (work_kind(16)) {
	case 0: punch(first, count); break;
	case 1: cut(count); break;
	case 8: turn_over(); break;
	case 9: crowd(); break;
	case 2:
	case 3: read_mapped(first, count); break;
	case 4:
	case 5:
	case 6:
	case 7: write_pages(first, count); break;
	default:
		work_note("tmpfs_pages_in", region_out(&file, first, count));
		read_pages(first, count);
	}
}

static void grow(void)
{
	size_t left = file.pages - file.grown, count = left < MAX_CHUNK ? left : MAX_CHUNK;

	if (count && work_goes_on())
		write_pages(file.grown, count);
	file.grown += count;
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	work_cleanup = remove_files;
	fd = region_map_file(&file, work.pages, path, "shm-swap");
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		for (size_t i = 0; i < 4; i++)
			grow();
		work.did.rounds++;
	}
	work_end();
}
