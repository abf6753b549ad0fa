// SPDX-License-Identifier: GPL-2.0-only
static int flush(struct sink *sink)
{
	if (!sink)
		return -ENOMEM;
	return 0;
}

static int best_effort(struct sink *sink)
{
	if (!sink)
		return -EAGAIN;
	return 0;
}

static int quiet_count(struct sink *sink)
{
	return sink->count;
}

void ignores(struct sink *sink)
{
	schedule_on_each_cpu(drain_local); /* finds: ignored-result */
	if (sink->count > 16)
		flush(sink); /* finds: ignored-result */
	best_effort(sink);
	quiet_count(sink);
}

int looks(struct sink *sink)
{
	int ret;

	do {
		ret = flush(sink);
	} while (ret);
	ret = quiet_count(sink);
	(void)flush(sink);
	return ret ? ret : schedule_on_each_cpu(drain_local);
}
