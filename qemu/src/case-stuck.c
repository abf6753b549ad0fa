// SPDX-License-Identifier: GPL-2.0-only
#include "case-stuck.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case-io.h"

#define MOST 16
#define NAME_SIZE 24

struct sleeper {
	int pid;
	long long switches; /* how often it has left the CPU: the same as before, and it has not been on one */
	char name[NAME_SIZE];
};

static bool ours(const struct crew *crew, int group)
{
	for (int index = 0; index < crew->count; index++)
		if (crew->worker[index].pid && crew->worker[index].pid == group)
			return true;
	return false;
}

static long long count_switches(int pid)
{
	static char text[4096];
	char path[64];
	long long count = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (file_read(path, text, sizeof(text)))
		return -1;
	for (const char *line = strstr(text, "voluntary_ctxt_switches:"); line;
	     line = strstr(line + 1, "voluntary_ctxt_switches:"))
		count += atoll(strchr(line, ':') + 1); /* "nonvoluntary" ends in the same word */
	return count;
}

/* False unless the task @pid belongs to the crew and sleeps without hearing signals (D in proc(5)). */
static bool asleep(const struct crew *crew, int pid, struct sleeper *sleeper)
{
	char path[64], text[512], state = 0;
	int parent, group = 0;
	const char *rest;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, text, sizeof(text)) || !strchr(text, '(') || !(rest = strrchr(text, ')')))
		return false;
	if (sscanf(rest + 1, " %c %d %d", &state, &parent, &group) != 3 || state != 'D' || !ours(crew, group))
		return false;
	sleeper->pid = pid;
	sleeper->switches = count_switches(pid);
	snprintf(sleeper->name, sizeof(sleeper->name), "%.*s", (int)(rest - strchr(text, '(') - 1), strchr(text, '(') + 1);
	return sleeper->switches >= 0;
}

static int find(const struct crew *crew, struct sleeper found[MOST])
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (proc && count < MOST && (entry = readdir(proc)))
		if (isdigit((unsigned char)*entry->d_name))
			count += asleep(crew, atoi(entry->d_name), &found[count]);
	if (proc)
		closedir(proc);
	return count;
}

static void say(const struct sleeper *sleeper, double ms)
{
	char path[64], where[128];

	snprintf(path, sizeof(path), "/proc/%d/wchan", sleeper->pid);
	if (file_read(path, where, sizeof(where)))
		*where = 0;
	json_open("stuck");
	json_long("pid", sleeper->pid);
	json_text("name", sleeper->name);
	json_text("where", where);
	json_real("ms", ms);
	json_close();
}

void stuck_say(const struct crew *crew, double ms)
{
	struct sleeper before[MOST], now;
	int count = find(crew, before);

	if (!count)
		return;
	case_sleep_until(case_ms() + ms);
	for (int index = 0; index < count; index++)
		if (asleep(crew, before[index].pid, &now) && now.switches == before[index].switches)
			say(&before[index], ms);
}
