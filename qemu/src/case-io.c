// SPDX-License-Identifier: GPL-2.0-only
#include "case-io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool first_field;
static bool heard = true;

double case_ms(void)
{
	static struct timespec begin;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!begin.tv_sec && !begin.tv_nsec)
		begin = now;
	return (double)(now.tv_sec - begin.tv_sec) * 1e3 + (double)(now.tv_nsec - begin.tv_nsec) / 1e6;
}

void case_sleep_until(double ms)
{
	double left = ms - case_ms();
	struct timespec span;

	if (left <= 0)
		return;
	span.tv_sec = (time_t)(left / 1e3);
	span.tv_nsec = (long)((left - (double)span.tv_sec * 1e3) * 1e6);
	nanosleep(&span, NULL);
}

/* Printable ASCII and newline; the rest is dropped, the reader would not believe it anyway. */
static void put_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if (*text >= ' ' && *text <= '~')
			putchar(*text);
	}
	putchar('"');
}

static void put_key(const char *key)
{
	if (!first_field)
		putchar(',');
	first_field = false;
	put_string(key);
	putchar(':');
}

void json_open(const char *type)
{
	putchar('{');
	first_field = true;
	json_text("type", type);
}

void json_text(const char *key, const char *value)
{
	put_key(key);
	put_string(value);
}

void json_long(const char *key, long long value)
{
	put_key(key);
	printf("%lld", value);
}

void json_real(const char *key, double value)
{
	put_key(key);
	printf("%.3f", value);
}

void json_object(const char *key)
{
	put_key(key);
	putchar('{');
	first_field = true;
}

void json_object_end(void)
{
	putchar('}');
	first_field = false;
}

void json_close(void)
{
	fputs("}\n", stdout);
	if (fflush(stdout))
		heard = false;
}

bool json_heard(void)
{
	return heard;
}

void say_fault(const char *action, int error, const char *text)
{
	json_open("error");
	json_text("action", action);
	json_long("errno", error);
	json_text("text", text);
	json_close();
}

void say_step(const char *action, double began, int error)
{
	json_open("step");
	json_text("action", action);
	json_real("ms", began);
	json_real("took_ms", case_ms() - began);
	json_long("errno", error);
	json_close();
}

int file_read(const char *path, char *buffer, size_t size)
{
	size_t used = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY);
	int error = 0;

	buffer[0] = 0;
	if (fd < 0)
		return -errno;
	while (used < size - 1 && (got = read(fd, buffer + used, size - 1 - used)) > 0)
		used += (size_t)got;
	if (got < 0)
		error = -errno;
	close(fd);
	buffer[used] = 0;
	return error;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}
