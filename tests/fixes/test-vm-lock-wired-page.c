/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memory object is synced while a page of it is wired: the call returns,
 * the pager gets what is dirty, and the page stays.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

/* What the messages of memory_object.defs have in common.  */
struct request
{
  mach_msg_header_t head;
  mach_msg_type_t control_type;
  union
  {
    mach_port_t name;
    vm_offset_t size;
  } control;
  mach_msg_type_t offset_type;
  vm_offset_t offset;
  char rest[256];
};

#define MEMORY_OBJECT_INIT 2200
#define MEMORY_OBJECT_DATA_REQUEST 2203
#define MEMORY_OBJECT_DATA_RETURN 2208

static mach_port_t object;
static volatile int returned;

static void pager(void *arg)
{
  struct request request;
  vm_offset_t data;
  int err;

  while (1)
    {
      err = mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof request, object,
                     MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
      ASSERT_RET(err, "mach_msg");
      switch (request.head.msgh_id)
        {
        case MEMORY_OBJECT_INIT:
          err = memory_object_ready(request.control.name, FALSE,
                                    MEMORY_OBJECT_COPY_NONE);
          ASSERT_RET(err, "memory_object_ready");
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
          ASSERT_RET(err, "vm_allocate");
          *(int *)data = 1;
          err = memory_object_data_supply(request.control.name, request.offset,
                                          data, vm_page_size, TRUE,
                                          VM_PROT_NONE, FALSE, MACH_PORT_NULL);
          ASSERT_RET(err, "memory_object_data_supply");
          break;
        case MEMORY_OBJECT_DATA_RETURN:
          returned++;
          break;
        }
    }
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t page = 0;
  vm_size_t size;
  vm_prot_t protection, max_protection;
  vm_inherit_t inheritance;
  boolean_t is_shared;
  mach_port_t name;
  vm_offset_t offset;
  volatile int *word;
  int err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, 0);
  err = vm_map(mach_task_self(), &page, vm_page_size, 0, TRUE, object, 0,
               FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_SHARE);
  ASSERT_RET(err, "vm_map");
  word = (volatile int *)page;
  /* Before it is wired: a task must not wait for its own pager then.  */
  ASSERT(*word == 1, "wrong contents");
  err = vm_region(mach_task_self(), &page, &size, &protection, &max_protection,
                  &inheritance, &is_shared, &name, &offset);
  ASSERT_RET(err, "vm_region");
  err = vm_wire(mach_host_self(), mach_task_self(), page, vm_page_size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");

  printf("flush\n");
  err = vm_object_sync(name, 0, vm_page_size, TRUE, FALSE, TRUE);
  ASSERT_RET(err, "vm_object_sync flush");
  *word = 2;
  printf("return and flush\n");
  err = vm_object_sync(name, 0, vm_page_size, TRUE, TRUE, TRUE);
  ASSERT_RET(err, "vm_object_sync return and flush");
  while (!returned)
    msleep(10);
  ASSERT(*word == 2, "wrong contents");
  *word = 3;
  printf("return\n");
  err = vm_object_sync(name, 0, vm_page_size, FALSE, TRUE, TRUE);
  ASSERT_RET(err, "vm_object_sync return");
  while (returned < 2)
    msleep(10);
  ASSERT(*word == 3, "wrong contents");

  err = vm_wire(mach_host_self(), mach_task_self(), page, vm_page_size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  printf("not wired\n");
  err = vm_object_sync(name, 0, vm_page_size, TRUE, TRUE, TRUE);
  ASSERT_RET(err, "vm_object_sync");
  return 0;
}
