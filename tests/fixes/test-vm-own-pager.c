/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task wires memory whose pager it is itself: it gets the pages, and what
 * cannot be wired is refused as ever.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <mach/vm_statistics.h>

#include <mach.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

/* What the messages of memory_object.defs have in common.  */
struct request
{
  mach_msg_header_t head;
  mach_msg_type_t control_type;
  mach_port_t control;
  mach_msg_type_t offset_type;
  vm_offset_t offset;
  char rest[256];
};

#define MEMORY_OBJECT_INIT 2200
#define MEMORY_OBJECT_DATA_REQUEST 2203

#define PAGES 16

static mach_port_t object;
static volatile int sent;

/* Each page begins with its number, counted from 1.  */
static void supply(const struct request *request)
{
  vm_offset_t data;
  int err;

  err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  *(int *)data = request->offset / vm_page_size + 1;
  sent++;
  err = memory_object_data_supply(request->control, request->offset, data,
                                  vm_page_size, TRUE, VM_PROT_NONE, FALSE,
                                  MACH_PORT_NULL);
  ASSERT_RET(err, "memory_object_data_supply");
}

static void pager(void *arg)
{
  struct request request;
  int err;

  while (1)
    {
      err = mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof request, object,
                     MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
      ASSERT_RET(err, "mach_msg");
      switch (request.head.msgh_id)
        {
        case MEMORY_OBJECT_INIT:
          err = memory_object_ready(request.control, FALSE,
                                    MEMORY_OBJECT_COPY_DELAY);
          ASSERT_RET(err, "memory_object_ready");
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          supply(&request);
          break;
        }
    }
}

static int wired_pages(void)
{
  struct vm_statistics statistics;
  int err;

  err = vm_statistics(mach_task_self(), &statistics);
  ASSERT_RET(err, "vm_statistics");
  return statistics.wire_count;
}

/* Pages of the object that nobody has asked for yet.  */
static vm_address_t map(int first, boolean_t copy, vm_prot_t protection)
{
  vm_address_t start = 0;
  int err;

  err = vm_map(mach_task_self(), &start, PAGES * vm_page_size, 0, TRUE, object,
               first * vm_page_size, copy, protection, protection,
               copy ? VM_INHERIT_COPY : VM_INHERIT_SHARE);
  ASSERT_RET(err, "vm_map");
  return start;
}

static int wire(vm_address_t start, vm_prot_t access)
{
  return vm_wire(mach_host_self(), mach_task_self(), start,
                 PAGES * vm_page_size, access);
}

static void check(const char *what, int first, boolean_t copy,
                  vm_prot_t protection)
{
  vm_address_t start = map(first, copy, protection);
  int err, before, wired, word;

  printf("%s\n", what);
  before = wired_pages();
  err = wire(start, protection);
  ASSERT_RET(err, "vm_wire");
  wired = wired_pages() - before;
  printf("%d pages more are wired, %d were sent\n", wired, sent);
  ASSERT(wired >= PAGES, "not all are wired");
  ASSERT(sent == first + PAGES, "not all were sent, or some twice");
  for (int i = 0; i < PAGES; i++)
    {
      word = *(volatile int *)(start + i * vm_page_size);
      ASSERT(word == first + i + 1, "another page");
    }
  err = wire(start, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  ASSERT(wired_pages() - before < PAGES / 2, "pages are still wired");
}

static void refused(const char *what, vm_address_t start, vm_prot_t access)
{
  int err, before = wired_pages();

  err = wire(start, access);
  printf("%s: %s\n", what, e2s(err));
  ASSERT(err == KERN_NO_SPACE, "not refused as ever");
  ASSERT(wired_pages() - before < PAGES / 2, "pages are wired");
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t start;
  int err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, 0);

  check("shared", 0, FALSE, VM_PROT_DEFAULT);
  check("read only", PAGES, FALSE, VM_PROT_READ);
  check("a copy", 2 * PAGES, TRUE, VM_PROT_DEFAULT);

  start = map(3 * PAGES, FALSE, VM_PROT_READ);
  refused("to be written", start, VM_PROT_DEFAULT);
  err = vm_deallocate(mach_task_self(), start + (PAGES - 1) * vm_page_size,
                      vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  refused("a hole", start, VM_PROT_READ);
  return 0;
}
