/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry points and the few traps we use. On i386 the trap number goes in eax, the arguments stay on the stack, one far call; on
 * x86_64 the fourth argument moves to r10, as the instruction takes rcx, and the seventh stays on the stack.
 */

#ifdef __x86_64__
	.macro	trap name, number
	.globl	\name
\name:
	movl	$\number, %eax
	movq	%rcx, %r10
	syscall
	ret
	.endm
#else
	.macro	trap name, number
	.globl	\name
\name:
	movl	$\number, %eax
	lcall	$7, $0
	ret
	.endm
#endif

	.text
	.globl	_start
_start:	/* the kernel leaves argc and the argument pointers on top of the stack */
#ifdef __x86_64__
	movq	%rsp, %rdi
	xorl	%ebp, %ebp
#else
	movl	%esp, %eax
	xorl	%ebp, %ebp
	pushl	%eax
#endif
	call	storm_main

	trap	trap_message, -25
	trap	trap_reply_port, -26
	trap	trap_task_self, -28
	trap	trap_host_self, -29
	trap	trap_print, -30
	trap	trap_insert_right, -74

	.section .note.GNU-stack, "", @progbits
