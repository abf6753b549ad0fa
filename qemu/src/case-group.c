// SPDX-License-Identifier: GPL-2.0-only
#include "case-group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "case-below.h"
#include "case-host.h"
#include "case-io.h"

#define FILE_SIZE 16384

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

int group_open_below(const struct group *group)
{
	double began = case_ms();
	int error = 0;

	if (group->v2)
		error = put(group, "cgroup.subtree_control", "+memory");
	else /* 2.6.29 to 5.10; always so from 5.11 on, and there was no hierarchy before */
		put(group, "memory.use_hierarchy", "1");
	say_step("below", began, error);
	return error;
}

static void say_files(const struct group *group)
{
	static char text[FILE_SIZE];
	int index;

	for (index = 0; index < group->file_count; index++)
		if (!get(group, group->files[index], text, sizeof(text)))
			json_text(group->files[index], text);
}

/* The groups below, each with its own files, under its path from here. */
static void say_below(const struct group *group)
{
	static struct group below[MAX_BELOW];
	int count = below_list(group, below), index;

	if (!count)
		return;
	json_object("below");
	for (index = 0; index < count; index++) {
		json_object(below[index].path + strlen(group->path) + 1);
		say_files(&below[index]);
		json_object_end();
	}
	json_object_end();
}

struct level group_level(const struct group *group)
{
	static char text[FILE_SIZE];
	struct level level = { -1, -1 };
	const char *line;

	if (!get(group, group->v2 ? "memory.current" : "memory.usage_in_bytes", text, sizeof(text)))
		level.usage = atoll(text);
	if (!group->v2) {
		level.kernel = get(group, "memory.kmem.usage_in_bytes", text, sizeof(text)) ? 0 : atoll(text);
	} else if (!get(group, "memory.stat", text, sizeof(text)) && (line = strstr(text, "\nkernel "))) {
		level.kernel = atoll(strchr(line, ' '));
	}
	return level;
}

void group_sample(const struct group *group, const char *stage)
{
	json_open("sample");
	json_text("stage", stage);
	json_real("ms", case_ms());
	json_object("files");
	say_files(group);
	json_object_end();
	say_below(group);
	json_close();
}

static void take_back(const struct group *group)
{
	double began = case_ms();
	int error;

	if (group->v2) {
		error = put(group, "memory.reclaim", "1T"); /* 5.19 and later; EAGAIN: there was less */
		if (error != ENOENT)
			say_step("reclaim", began, error);
	}
	group_drain(group);
}

void group_empty(const struct group *group)
{
	static struct group below[MAX_BELOW];
	int index;

	host_empty();
	for (index = below_list(group, below) - 1; index >= 0; index--)
		take_back(&below[index]);
	take_back(group);
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

static int remove_one(const struct group *group, double until)
{
	int error;

	while ((error = rmdir(group->path) ? errno : 0) == EBUSY && case_ms() < until)
		case_sleep_until(case_ms() + 20);
	return error;
}

void group_remove_below(const struct group *group, double until)
{
	static struct group below[MAX_BELOW];
	double began = case_ms();
	int index, count = below_list(group, below), error = 0;

	for (index = count - 1; index >= 0; index--) {
		int failed = remove_one(&below[index], until);

		error = error ? error : failed;
	}
	if (count)
		say_step("rmdir-below", began, error);
}

int group_remove(const struct group *group, double until)
{
	double began = case_ms();
	int error = remove_one(group, until);

	say_step("rmdir", began, error);
	return error;
}
