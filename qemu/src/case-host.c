// SPDX-License-Identifier: GPL-2.0-only
#include "case-host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "case-io.h"

#define MAX_SWAPS 8

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

struct host host_read(const struct group *group)
{
	static char text[16384];
	char path[384];
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

/* Active objects of the slab cache that 2.6.2x describes charged pages with. */
static void say_page_cgroup(char *text, size_t size)
{
	char count[32];
	long long objects;
	const char *line;

	if (file_read("/proc/slabinfo", text, size) || !(line = strstr(text, "\npage_cgroup ")))
		return;
	if (sscanf(line, " page_cgroup %lld", &objects) != 1)
		return;
	snprintf(count, sizeof(count), "%lld", objects);
	json_text("page_cgroup", count);
}

/* Pages that CPUs keep on lists of their own (per_cpu_pages): free, but not in MemFree of /proc/meminfo. */
static void say_pcp(char *text, size_t size)
{
	char count[32];
	long long pages = 0;
	const char *at;

	if (file_read("/proc/zoneinfo", text, size))
		return;
	for (at = strstr(text, " count: "); at; at = strstr(at + 1, " count: "))
		pages += atoll(at + strlen(" count: "));
	snprintf(count, sizeof(count), "%lld", pages);
	json_text("pcp", count);
}

void host_say(const char *stage, const struct group *group, struct host host)
{
	static char text[32768];
	char path[384];

	json_open("host");
	json_text("stage", stage);
	json_real("ms", case_ms());
	json_long("cgroups", host.cgroups);
	json_long("dying", host.dying);
	json_object("files");
	say_pcp(text, sizeof(text));
	if (!file_read("/proc/meminfo", text, sizeof(text)))
		json_text("meminfo", text);
	snprintf(path, sizeof(path), "%s/cpu.stat", group->mount); /* flushes what memory.stat shows */
	file_read(path, text, sizeof(text));
	snprintf(path, sizeof(path), "%s/memory.stat", group->mount);
	if (!file_read(path, text, sizeof(text)))
		json_text("memory.stat", text);
	say_page_cgroup(text, sizeof(text));
	json_object_end();
	json_close();
}
