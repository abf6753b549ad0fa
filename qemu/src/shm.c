// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared memory of three kinds, a third of --bytes each: a mapped file in --dir (a tmpfs), a SysV
 * segment, and a shared anonymous mapping. Each round a child writes and checks the odd pages while
 * the parent does the even ones; then the parent checks what the child left. Now and then the file
 * is cut to nothing and grown again.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define TMPFS_MAGIC 0x01021994 /* include/uapi/linux/magic.h */
#define SYSV_MOST (32u << 20)  /* SHMMAX of kernels before 3.16 */
#define CHUNKS 16

static struct segment {
	char *memory;
	uint32_t *generation; /* shared with the child too */
	size_t pages;
} segments[3];
static int segment_count;
static char path[512];
static int fd = -1;

static void remove_file(void)
{
	if (*path)
		unlink(path);
}

static void add(char *memory, size_t pages)
{
	segments[segment_count].memory = memory;
	segments[segment_count].pages = pages;
	segments[segment_count].generation =
		work_map(pages * sizeof(uint32_t) / PAGE + 1, MAP_SHARED | MAP_ANONYMOUS, -1);
	segment_count++;
}

static void add_file(size_t pages)
{
	struct statfs fs;

	if (statfs(work.dir, &fs))
		work_fail(work.dir);
	if (fs.f_type != TMPFS_MAGIC)
		work_skip("the directory is not on a tmpfs: CONFIG_TMPFS, CONFIG_SHMEM");
	snprintf(path, sizeof(path), "%s/shm-%u", work.dir, work.worker);
	work_cleanup = remove_file;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		work_fail(path);
	if (ftruncate(fd, (off_t)(pages * PAGE)))
		work_fail("ftruncate");
	add(work_map(pages, MAP_SHARED, fd), pages);
}

/* Marked for removal as soon as it is mapped, so that it cannot outlive us. */
static void add_sysv(size_t pages)
{
	char *memory;
	int id;

	if (pages > SYSV_MOST / PAGE)
		pages = SYSV_MOST / PAGE;
	id = shmget(IPC_PRIVATE, pages * PAGE, IPC_CREAT | 0600);
	if (id < 0 && errno == ENOSYS) {
		printf("sysv=absent: CONFIG_SYSVIPC\n");
		return;
	}
	if (id < 0)
		work_fail("shmget");
	memory = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	if (memory == (void *)-1)
		work_fail("shmat");
	add(memory, pages);
}

/* Check and rewrite the pages of one parity. */
static bool side(size_t parity)
{
	size_t first, count;

	for (int turn = 0; turn < CHUNKS && work_goes_on(); turn++) {
		size_t which = work_random((size_t)segment_count);
		struct segment *at = &segments[which];

		first = work_chunk(at->pages, &count);
		for (size_t page = first; page < first + count; page++) {
			if (page % 2 != parity)
				continue;
			if (!page_check(at->memory + page * PAGE, which, page, at->generation[page]))
				return false;
			page_fill(at->memory + page * PAGE, which, page, ++at->generation[page]);
		}
	}
	return true;
}

/* False once the round cannot be trusted: a killed child may have left a page half written. */
static bool wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			work_fail("waitpid");
	if (WIFSIGNALED(status)) {
		work.did.children_killed++;
		return false;
	}
	if (status)
		work.did.verify_errors++;
	return true;
}

static void check_all_of_some(void)
{
	size_t first, count, which = work_random((size_t)segment_count);
	struct segment *at = &segments[which];

	first = work_chunk(at->pages, &count);
	for (size_t page = first; page < first + count; page++)
		page_check(at->memory + page * PAGE, which, page, at->generation[page]);
	work.did.bytes_read += count * PAGE;
}

static void cut_file(void)
{
	if (ftruncate(fd, 0) || ftruncate(fd, (off_t)(segments[0].pages * PAGE)))
		work_fail("ftruncate");
	for (size_t page = 0; page < segments[0].pages; page++)
		segments[0].generation[page] = 0;
	work.did.truncates++;
}

int main(int argc, char **argv)
{
	pid_t pid;
	bool trusted = true;

	work_begin(argc, argv);
	add_file(work.pages / 3 + 1);
	add_sysv(work.pages / 3 + 1);
	add(work_map(work.pages / 3 + 1, MAP_SHARED | MAP_ANONYMOUS, -1), work.pages / 3 + 1);
	while (trusted && work_goes_on() && !work.did.verify_errors) {
		pid = fork();
		if (pid < 0)
			work_fail("fork");
		work.did.forks++;
		if (!pid) {
			work_reseed(work.did.forks * 1000 + work.worker);
			if (side(1))
				_exit(0);
			work_say_wrong();
			_exit(1);
		}
		side(0);
		trusted = wait_for(pid);
		if (trusted)
			check_all_of_some();
		if (work_random(32) == 0)
			cut_file();
		work.did.rounds++;
	}
	work_end();
}
