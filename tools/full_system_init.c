/* Process 1 of the emulated full system of tools/full_system.py: modules, disks, network, sshd.
 *
 * /dev/vda: the system, read-only. /dev/vdb: what the device keeps, at /root, with the sshd_config. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISK_WAIT_MS 10000

static _Noreturn void power_off(const char *what) {
    perror(what);
    sync();
    reboot(RB_POWER_OFF);
    _exit(1);
}

static void must(int result, const char *what) {
    if (result != 0) {
        power_off(what);
    }
}

static void load_modules(void) {
    for (int i = 0;; i++) {
        char path[32];
        snprintf(path, sizeof path, "/modules/%02d.ko", i);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            return;
        }
        must((int)syscall(SYS_finit_module, file, "", 0), path);
        close(file);
    }
}

static void wait_for(const char *disk) {
    for (int ms = 0; access(disk, F_OK) != 0; ms += 10) {
        if (ms >= DISK_WAIT_MS) {
            power_off(disk);
        }
        usleep(10000);
    }
}

static void mount_all(void) {
    must(mount("dev", "/dev", "devtmpfs", 0, ""), "/dev");
    wait_for("/dev/vda");
    wait_for("/dev/vdb");
    must(mount("/dev/vda", "/system", "ext4", MS_RDONLY, ""), "/dev/vda");
    must(mount("/dev/vdb", "/system/root", "ext4", 0, ""), "/dev/vdb");
    must(mount("dev", "/system/dev", "devtmpfs", 0, ""), "/dev");
    must(mount("proc", "/system/proc", "proc", 0, ""), "/proc");
    must(mount("sysfs", "/system/sys", "sysfs", 0, ""), "/sys");
    must(mount("tmpfs", "/system/run", "tmpfs", 0, "mode=755"), "/run");
    must(mount("tmpfs", "/system/tmp", "tmpfs", 0, "mode=1777"), "/tmp");
    must(chdir("/system"), "/system");
    must(mount(".", "/", NULL, MS_MOVE, NULL), "/");
    must(chroot("."), "/");
    must(mkdir("/dev/pts", 0755), "/dev/pts");
    must(mount("devpts", "/dev/pts", "devpts", 0, "gid=5,mode=620"), "/dev/pts");
    must(mkdir("/run/sshd", 0755), "/run/sshd");
}

static void up(int sock, const char *name, const char *address) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    struct sockaddr_in place = {.sin_family = AF_INET};
    inet_pton(AF_INET, address, &place.sin_addr);
    memcpy(&request.ifr_addr, &place, sizeof place);
    must(ioctl(sock, SIOCSIFADDR, &request), name);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    must(ioctl(sock, SIOCSIFFLAGS, &request), name);
}

/* The address that QEMU's user network forwards to; a class A address, so that its gateway is on the link. */
static void network_up(void) {
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    up(sock, "lo", "127.0.0.1");
    up(sock, "eth0", "10.0.2.15");
    close(sock);
}

int main(void) {
    load_modules();
    mount_all();
    network_up();
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    pid_t sshd = fork();
    if (sshd == 0) {
        execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-e", "-f", "/root/sshd_config", (char *)NULL);
        perror("/usr/sbin/sshd");
        _exit(1);
    }
    pid_t ended;
    do {
        ended = wait(NULL);
    } while (ended > 0 && ended != sshd);
    power_off("sshd has ended");
}
