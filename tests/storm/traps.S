/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry points and the few traps we use: the trap number goes in eax, the arguments stay on the stack, one far call. */

	.macro	trap name, number
	.globl	\name
\name:
	movl	$\number, %eax
	lcall	$7, $0
	ret
	.endm

	.text
	.globl	_start
_start:	/* the kernel leaves argc and the argument pointers on top of the stack */
	movl	%esp, %eax
	xorl	%ebp, %ebp
	pushl	%eax
	call	storm_main

	trap	trap_message, -25
	trap	trap_reply_port, -26
	trap	trap_task_self, -28
	trap	trap_host_self, -29
	trap	trap_print, -30

	.section .note.GNU-stack, "", @progbits
