/* A stand-in for NVIDIA's library, of the functions and structures in their public reference (nvml.h): one card that
 * answers all but its power limit. The real Python bindings run against it. */
#include <string.h>
#include <unistd.h>

typedef struct { unsigned int gpu, memory; } utilization_t;
typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct {
    char busIdLegacy[16];
    unsigned int domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} pci_t;

typedef struct { unsigned int pid; unsigned long long usedGpuMemory; unsigned int gpuInstance, computeInstance; } process_t;

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7 };
static int card;

int nvmlInitWithFlags(unsigned int flags) { return flags ? INVALID_ARGUMENT : SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 1; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    if (index != 0) return INVALID_ARGUMENT;
    *device = &card;
    return SUCCESS;
}
int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
    if (device != &card) return INVALID_ARGUMENT;
    strncpy(name, "NVIDIA Test Card", length);
    return SUCCESS;
}
int nvmlDeviceGetPciInfo_v3(void *device, pci_t *pci) {
    if (device != &card) return INVALID_ARGUMENT;
    memset(pci, 0, sizeof *pci);
    strcpy(pci->busIdLegacy, "0000:C1:00.0");
    strcpy(pci->busId, "00000000:C1:00.0");
    return SUCCESS;
}
int nvmlDeviceGetUtilizationRates(void *device, utilization_t *use) {
    if (device != &card) return INVALID_ARGUMENT;
    use->gpu = 42;
    use->memory = 7;
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(void *device, memory_t *memory) {
    if (device != &card) return INVALID_ARGUMENT;
    memory->total = 12884901888ULL;
    memory->used = 5368709120ULL;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}
int nvmlDeviceGetTemperature(void *device, unsigned int sensor, unsigned int *celsius) {
    if (device != &card || sensor != 0) return INVALID_ARGUMENT;
    *celsius = 55;
    return SUCCESS;
}
int nvmlDeviceGetPowerUsage(void *device, unsigned int *milliwatts) {
    if (device != &card) return INVALID_ARGUMENT;
    *milliwatts = 123456;
    return SUCCESS;
}
int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned int *milliwatts) {
    (void)device;
    (void)milliwatts;
    return NOT_SUPPORTED;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned int *count, process_t *found) {
    if (device != &card) return INVALID_ARGUMENT;
    if (*count < 2) {
        *count = 2;
        return INSUFFICIENT_SIZE;
    }
    *count = 2;
    found[0] = (process_t){1, 7, 0, 0};
    found[1] = (process_t){(unsigned int)getpid(), 123456789012ULL, 0, 0};
    return SUCCESS;
}
