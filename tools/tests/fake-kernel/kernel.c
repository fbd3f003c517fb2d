/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel that prints its first module on the serial line and stops. The byte 1 in the module resets the machine
 * instead; the byte 2 makes it answer what is typed, as a shell would in which all goes well. What comes of that stands
 * behind the byte: lines of a part of what is typed, a tab, and the result.
 * Its data is linked to addresses that differ from where it lies in memory, as a real kernel's does.
 */
#include <stdint.h>

enum { COM1 = 0x3f8, LINE_STATUS = 5, HAS_BYTE = 1, CAN_SEND = 0x20 };

/* Where the linker script puts .high, less where it lies in memory. */
#define HIGH_DISTANCE 0xbfe00000u

struct module {
	uint32_t start, end, words, reserved;
};

struct boot_info {
	uint32_t flags, memory[2], device, command_line, module_count, modules;
};

__attribute__((section(".multiboot"), used))
static const uint32_t header[] = { 0x1badb002, 0, -0x1badb002u };

__attribute__((section(".high"), used))
volatile uint32_t seen[3] = { 0x12345678, 0, 0xfedcba98 };

/* As counters are after storms that called both functions, and after storms that never dropped the map's lock. */
__attribute__((section(".high.counters"), used))
volatile uint32_t counters_after_work[7] = { 90, 40, 10, 80, 30, 0, 2 };
__attribute__((section(".high.counters"), used))
volatile uint32_t counters_without_work[7] = { 90, 40, 10, 80, 0, 0, 0 };

static void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void reset(void)
{
	static const struct { uint16_t limit; uint32_t base; } __attribute__((packed)) no_table;

	/* No handler for the breakpoint, nor for what follows from that. */
	__asm__ volatile("lidt %0; int3" : : "m"(no_table));
}

static void put(uint8_t byte)
{
	while (!(in(COM1 + LINE_STATUS) & CAN_SEND))
		;
	out(COM1, byte);
}

/* Where `what`, which ends at `stop`, ends in the line, or 0. */
static const char *after(const char *line, const char *what, char stop)
{
	for (; *line; line++) {
		const char *there = line, *here = what;

		while (*here != stop && *there == *here)
			there++, here++;
		if (*here == stop)
			return there;
	}
	return 0;
}

/* Prints the result of what was typed, if the table has one. */
static void put_result(const char *typed, const char *table, const char *end)
{
	while (table < end) {
		const char *result = after(table, "\t", 0);
		int found = after(typed, table, '\t') != 0;

		for (table = result; table < end && *table != '\n'; table++)
			if (found)
				put(*table);
		table++;
		if (found)
			return;
	}
}

/*
 * Echoes what is typed. To a line that ends in echo "e""nd-N:..." it says end-N:0:RESULT:, to `reboot` it says what the
 * table has for that and reboots, else it prompts.
 */
static void answer(const char *table, const char *end)
{
	char line[512];
	unsigned length = 0;

	for (;;) {
		const char *number;

		while (!(in(COM1 + LINE_STATUS) & HAS_BYTE))
			;
		line[length] = in(COM1);
		put(line[length]);
		if (line[length] != '\n' && length < sizeof line - 2) {
			length++;
			continue;
		}
		line[length] = 0;
		length = 0;
		if (line[0] == 'r' && after(line, "reboot", 0)) {
			put_result(line, table, end);
			reset();
		}
		number = after(line, "nd-", 0);
		if (!number) {
			put('#');
			put(' ');
			continue;
		}
		for (const char *c = "end-"; *c; c++)
			put(*c);
		while (*number >= '0' && *number <= '9')
			put(*number++);
		for (const char *c = ":0:"; *c; c++)
			put(*c);
		put_result(line, table, end);
		for (const char *c = ":\n\r# "; *c; c++)
			put(*c);
	}
}

__attribute__((used))
void print_module(const struct boot_info *info)
{
	const struct module *module = (const struct module *)info->modules;
	volatile uint32_t *count = (volatile uint32_t *)((uint32_t)&seen[1] - HIGH_DISTANCE);

	for (const uint8_t *byte = (const uint8_t *)module->start; byte < (const uint8_t *)module->end; byte++) {
		if (*byte == 1)
			reset();
		if (*byte == 2)
			answer((const char *)byte + 1, (const char *)module->end);
		put(*byte);
		(*count)++;
	}
}

__asm__(".globl start\n"
	"start:\n"
	"	movl $stack_top, %esp\n"
	"	pushl %ebx\n"
	"	call print_module\n"
	"1:	cli\n"
	"	hlt\n"
	"	jmp 1b\n"
	".bss\n"
	"	.skip 4096\n"
	"stack_top:\n"
	".text\n");
