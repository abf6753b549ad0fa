// SPDX-License-Identifier: GPL-2.0-only
#include "case-below.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

static bool is_directory(const char *path)
{
	struct stat is;

	return !stat(path, &is) && S_ISDIR(is.st_mode);
}

/* The directories right below @parent, up to @most of them. */
static int children(const struct group *parent, struct group *below, int most)
{
	DIR *dir = opendir(parent->path);
	struct dirent *entry;
	int count = 0, length;

	if (!dir)
		return 0;
	while (count < most && (entry = readdir(dir))) {
		struct group *one = &below[count];

		*one = *parent;
		length = snprintf(one->path, sizeof(one->path), "%s/%s", parent->path, entry->d_name);
		if (*entry->d_name != '.' && length < (int)sizeof(one->path) && is_directory(one->path))
			count++;
	}
	closedir(dir);
	return count;
}

int below_list(const struct group *group, struct group *below)
{
	int count = children(group, below, MAX_BELOW), next;

	for (next = 0; next < count; next++)
		count += children(&below[next], below + count, MAX_BELOW - count);
	return count;
}
