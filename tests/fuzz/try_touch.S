/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uint32_t try_touch(uint32_t address, bool store, uint32_t *word): the processor's own load or store of a word. Returns 0; or 1,
 * if whoever was told of the exception let the thread go on at touch_failed, with any registers. One thread at a time.
 */
	.text
	.globl	try_touch, touch_failed
try_touch:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	%esp, stack_of_touch
	movl	20(%esp), %ecx
	movl	28(%esp), %edx
	cmpb	$0, 24(%esp)
	jne	1f
	movl	(%ecx), %eax
	movl	%eax, (%edx)
	jmp	2f
1:	movl	(%edx), %eax
	movl	%eax, (%ecx)
2:	xorl	%eax, %eax
	jmp	3f
touch_failed:
	movl	stack_of_touch, %esp
	movl	$1, %eax
3:	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret

	.local	stack_of_touch
	.comm	stack_of_touch, 4, 4

	.section .note.GNU-stack, "", @progbits
