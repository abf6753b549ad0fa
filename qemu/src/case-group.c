// SPDX-License-Identifier: GPL-2.0-only
#include "case-group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "case-io.h"

#define FILE_SIZE 16384
#define MAX_SWAPS 8

/* include/uapi/linux/magic.h */
#define CGROUP_MAGIC 0x27e0eb
#define CGROUP2_MAGIC 0x63677270

static int put(const struct group *group, const char *file, const char *text)
{
	char path[384];

	snprintf(path, sizeof(path), "%s/%s", group->path, file);
	return -file_write(path, text);
}

static int get(const struct group *group, const char *file, char *text, size_t size)
{
	char path[384];

	snprintf(path, sizeof(path), "%s/%s", group->path, file);
	return -file_read(path, text, size);
}

bool group_is_mounted(const struct group *group)
{
	struct statfs fs;

	return !statfs(group->mount, &fs) && (fs.f_type == CGROUP_MAGIC || fs.f_type == CGROUP2_MAGIC);
}

void group_name(struct group *group, const char *name)
{
	snprintf(group->path, sizeof(group->path), "%s/%s", group->mount, name);
	snprintf(group->attach, sizeof(group->attach), "%s/%s", group->path, group->v2 ? "cgroup.procs" : "tasks");
}

int group_make(const struct group *group, long long limit)
{
	char text[32];
	double began = case_ms();
	int error = mkdir(group->path, 0755) ? errno : 0;

	say_step("mkdir", began, error);
	if (error || !limit)
		return error;
	snprintf(text, sizeof(text), "%lld", limit);
	began = case_ms();
	error = put(group, group->v2 ? "memory.max" : "memory.limit_in_bytes", text);
	say_step("limit", began, error);
	return error;
}

long long group_sample(const struct group *group, const char *stage)
{
	static char text[FILE_SIZE];
	long long usage = -1;
	int index;

	json_open("sample");
	json_text("stage", stage);
	json_real("ms", case_ms());
	json_object("files");
	for (index = 0; index < group->file_count; index++)
		if (!get(group, group->files[index], text, sizeof(text)))
			json_text(group->files[index], text);
	json_object_end();
	json_close();
	if (!get(group, group->v2 ? "memory.current" : "memory.usage_in_bytes", text, sizeof(text)))
		usage = atoll(text);
	return usage;
}

/*
 * Each area off and on again. Freed swap entries wait in per-CPU caches (mm/swap_slots.c, 4.11 to
 * 6.12) and stay charged to their group until swapoff drains those.
 */
static void cycle_swap(void)
{
	static char text[4096];
	char *areas[MAX_SWAPS], *line, *save = NULL;
	int count = 0, index;
	double began;

	file_read("/proc/swaps", text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, " \t")] = 0;
		if (*line == '/' && count < MAX_SWAPS)
			areas[count++] = line;
	}
	for (index = 0; index < count; index++) {
		began = case_ms();
		say_step("swapoff", began, swapoff(areas[index]) ? errno : 0);
	}
	for (index = 0; index < count; index++) {
		began = case_ms();
		say_step("swapon", began, swapon(areas[index], 0) ? errno : 0);
	}
}

void host_empty(void)
{
	double began = case_ms();

	sync(); /* or dirty pages stay, and inodes with them */
	say_step("drop_caches", began, -file_write("/proc/sys/vm/drop_caches", "3"));
	cycle_swap();
}

void group_empty(const struct group *group)
{
	double began;
	int error;

	host_empty();
	if (group->v2) {
		began = case_ms();
		error = put(group, "memory.reclaim", "1T"); /* 5.19 and later; EAGAIN: there was less */
		if (error != ENOENT)
			say_step("reclaim", began, error);
	}
	group_drain(group);
}

void group_drain(const struct group *group)
{
	double began = case_ms();
	int error;

	if (!group->v2) {
		say_step("force_empty", began, put(group, "memory.force_empty", "0"));
		return;
	}
	/* Drains the stock before it reclaims: memory_high_write(), mm/memcontrol.c. */
	error = put(group, "memory.high", "0");
	if (!error)
		error = put(group, "memory.high", "max");
	say_step("drain", began, error);
}

int group_remove(const struct group *group, double until)
{
	double began = case_ms();
	int error;

	while ((error = rmdir(group->path) ? errno : 0) == EBUSY && case_ms() < until)
		case_sleep_until(case_ms() + 20);
	say_step("rmdir", began, error);
	return error;
}

struct host host_read(const struct group *group)
{
	char text[4096], path[384];
	struct host host = { -1, -1 };
	const char *line;

	if (!file_read("/proc/cgroups", text, sizeof(text)) && (line = strstr(text, "\nmemory\t")))
		if (sscanf(line, " memory %*d %lld", &host.cgroups) != 1)
			host.cgroups = -1;
	snprintf(path, sizeof(path), "%s/cgroup.stat", group->mount);
	if (!file_read(path, text, sizeof(text)) && (line = strstr(text, "nr_dying_descendants ")))
		host.dying = atoll(strchr(line, ' '));
	return host;
}

void host_say(const char *stage, struct host host)
{
	json_open("host");
	json_text("stage", stage);
	json_real("ms", case_ms());
	json_long("cgroups", host.cgroups);
	json_long("dying", host.dying);
	json_close();
}
