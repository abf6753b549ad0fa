// SPDX-License-Identifier: GPL-2.0-only
#include "work-group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "work.h"

#define TEXT_SIZE 16384

static const char *name_in(char where[GROUP_PATH + 64], const char *path, const char *file)
{
	snprintf(where, GROUP_PATH + 64, "%s/%s", path, file);
	return where;
}

void group_make(char path[GROUP_PATH], const char *name)
{
	if (snprintf(path, GROUP_PATH, "%s/%s-%u", work.group, name, work.worker) >= GROUP_PATH)
		errno = ENAMETOOLONG;
	else if (!mkdir(path, 0755))
		return;
	work_fail(path);
}

void group_make_below(char path[GROUP_PATH], const char *parent, const char *name)
{
	if (snprintf(path, GROUP_PATH, "%s/%s", parent, name) >= GROUP_PATH)
		errno = ENAMETOOLONG;
	else if (!mkdir(path, 0755))
		return;
	work_fail(path);
}

void group_open(const char *path)
{
	int error = 0;

	if (work.v2)
		error = group_put(path, "cgroup.subtree_control", "+memory");
	else if (group_has(path, "memory.use_hierarchy") && group_get(path, "memory.use_hierarchy") != 1)
		error = group_put(path, "memory.use_hierarchy", "1");
	if (error) {
		errno = -error;
		work_fail(path);
	}
}

int group_enter(const char *path)
{
	return group_put(path, work.v2 ? "cgroup.procs" : "tasks", "0");
}

int group_drop(const char *path, double seconds)
{
	struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	for (double passed = 0; rmdir(path); passed += 0.01) {
		if (errno != EBUSY || passed >= seconds)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int group_put(const char *path, const char *file, const char *text)
{
	char where[GROUP_PATH + 64];
	int fd = open(name_in(where, path, file), O_WRONLY), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

int group_put_number(const char *path, const char *file, long long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", number);
	return group_put(path, file, text);
}

static bool read_text(const char *path, const char *file, char *text)
{
	char where[GROUP_PATH + 64];
	int fd = open(name_in(where, path, file), O_RDONLY);
	ssize_t got = -1, used = 0;

	if (fd < 0)
		return false;
	while (used < TEXT_SIZE - 1 && (got = read(fd, text + used, (size_t)(TEXT_SIZE - 1 - used))) > 0)
		used += got;
	close(fd);
	text[used] = 0;
	return got >= 0;
}

static long long number_of(const char *text)
{
	char *rest;
	long long number = strtoll(text, &rest, 10);

	if (!strncmp(text, "max", 3))
		return LLONG_MAX;
	return rest == text ? -1 : number;
}

long long group_get(const char *path, const char *file)
{
	static char text[TEXT_SIZE];

	return read_text(path, file, text) ? number_of(text) : -1;
}

long long group_get_key(const char *path, const char *file, const char *key)
{
	static char text[TEXT_SIZE];
	size_t length = strlen(key);

	if (!read_text(path, file, text))
		return -1;
	for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (!strncmp(line, key, length) && line[length] == ' ')
			return number_of(line + length + 1);
	return -1;
}

bool group_has(const char *path, const char *file)
{
	char where[GROUP_PATH + 64];

	return !access(name_in(where, path, file), F_OK);
}

long long group_kernel(const char *path)
{
	if (!work.v2)
		return group_has(path, "memory.kmem.usage_in_bytes") ? group_get(path, "memory.kmem.usage_in_bytes") : 0;
	group_get(path, "cpu.stat"); /* flushes memory.stat: cgroup_base_stat_cputime_show(), 6.1 */
	return group_get_key(path, "memory.stat", "kernel");
}

int group_cpus(void)
{
	char path[64];
	int count = 0;

	do
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d", count++);
	while (!access(path, F_OK));
	return count > 1 ? count - 1 : 1;
}

bool group_is_old(void)
{
	return !work.v2 && !group_has(work.group, "memory.use_hierarchy");
}

void group_list_pages(void)
{
	int node = 0, status;
	void *page = &node;

	/* lru_add_drain_all(): migrate_prep(), mm/migrate.c 2.6.27; lru_cache_disable() in do_pages_move(), 6.1 */
	syscall(SYS_move_pages, 0, 1UL, &page, &node, &status, 2 /* MPOL_MF_MOVE */);
}

const char *group_limit_file(void)
{
	return work.v2 ? "memory.max" : "memory.limit_in_bytes";
}

const char *group_usage_file(void)
{
	return work.v2 ? "memory.current" : "memory.usage_in_bytes";
}
