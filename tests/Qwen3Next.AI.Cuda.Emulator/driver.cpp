// Stands in for libcuda: the entry points that the library binds, on one emulated device. Work is done when it is queued.
#include "emulator.h"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <unistd.h>
#include <unordered_set>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace emulator {

Settings settings;

uint64_t random_number() {
    static uint64_t state, seeded_with;
    if (seeded_with != (uint64_t)settings.seed) state = seeded_with = (uint64_t)settings.seed;
    uint64_t z = state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

namespace {

constexpr int kNoDevice = 100, kInvalidDevice = 101, kInvalidImage = 200, kInvalidContext = 201, kInvalidHandle = 400, kNotFound = 500, kNotInitialized = 3,
              kCaptureUnsupported = 900, kCaptureInvalidated = 901;
constexpr uint32_t kGrantedShared = 48 << 10;

// What one block can have on a GPU of that compute capability.
uint32_t most_shared() {
    switch (settings.capability) {
        case 90: case 100: return 227 << 10;
        case 80: return 163 << 10;
        default: return 99 << 10;
    }
}

struct Function {
    const KernelEntry* kernel;
    const Module* module;
    uint32_t most_dynamic;   // what cuFuncSetAttribute granted
};

struct LoadedModule {
    void* library;
    const Module* module;
    std::vector<std::unique_ptr<Function>> functions;
};

// What stands for every kernel while nothing is compiled.
const KernelEntry idle_kernel = {"idle", nullptr, 0, nullptr, kMaxThreads};
const Module idle_module = {&idle_kernel, 1, nullptr, nullptr, nullptr};

// One recorded operation.
struct Node {
    enum { launch, copy, fill } kind;
    Launch run;
    void* to;
    const void* from;
    size_t bytes;
    unsigned char value;
};

struct Graph {
    std::vector<Node> nodes;
};

// A recording that streams and events take part in until it ends.
struct Capture {
    std::unique_ptr<Graph> graph = std::make_unique<Graph>();
    void* origin;
    bool invalidated = false, ended = false;
};
using CaptureRef = std::shared_ptr<Capture>;

struct Stream {
    CaptureRef capture;
    Capture* recording() { return capture && !capture->ended ? capture.get() : nullptr; }
};

struct Event {
    std::chrono::steady_clock::time_point time;
    bool timing = true, recorded = false;
    CaptureRef capture;
    bool recording() const { return capture && !capture->ended; }
};

std::recursive_mutex lock;
bool initialized;
int context_references;
thread_local bool has_context;
int context_lost;              // a sticky error's code
std::string detail;            // of the last failure, for its description
std::unordered_set<void*> handles;

const struct { int code; const char *name, *text; } errors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {710, "CUDA_ERROR_ASSERT", "device-side assert triggered"},
    {715, "CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered"},
    {716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
};

int fail_with(int code, const std::string& text) {
    detail = text;
    return code;
}

// What every call checks first.
int check_call() {
    if (!initialized) return kNotInitialized;
    if (!has_context) return kInvalidContext;
    return context_lost;
}

template <class T> T* made(T* object) {
    handles.insert(object);
    return object;
}

template <class T> int destroyed(void* handle) {
    if (!handles.erase(handle)) return kInvalidHandle;
    delete (T*)handle;
    return kSuccess;
}

#define ENTER                                                                                                          \
    std::lock_guard<std::recursive_mutex> hold(lock);                                                                  \
    if (const int error = check_call()) return error;                                                                  \
    detail.clear();
#define NEED(handle)                                                                                                   \
    if (!handles.count(handle)) return kInvalidHandle;

// Calls that wait or allocate end a capture with an error.
int refuse_in_capture(Stream* stream) {
    Capture* capture = stream->recording();
    if (!capture) return kSuccess;
    capture->invalidated = true;
    return kCaptureUnsupported;
}

std::string size_text(const Index3& size) { return std::to_string(size.x) + " x " + std::to_string(size.y) + " x " + std::to_string(size.z); }

// Errors inside a kernel show at the calls that follow, as on a GPU, and stay.
int perform(Node& node) {
    if (settings.idle) return kSuccess;
    Access access;
    if (node.kind == Node::copy) memcpy(node.to, node.from, node.bytes);
    if (node.kind == Node::fill) memset(node.to, node.value, node.bytes);
    if (node.kind == Node::launch) {
        std::string report;
        if (const int error = run(node.run, report)) {
            context_lost = error;
            detail = report;
            fprintf(stderr, "CUDA emulator: %s\n", report.c_str());
        }
    }
    return kSuccess;
}

int submit(Stream* stream, Node&& node) {
    Capture* capture = stream->recording();
    if (!capture) return perform(node);
    if (capture->invalidated) return kCaptureInvalidated;
    capture->graph->nodes.push_back(std::move(node));
    return kSuccess;
}

int copy(Stream* stream, void* to, const void* from, size_t bytes, bool to_device, bool from_device) {
    if (to_device && !is_device_range(to, bytes)) return fail_with(kInvalidValue, "copies " + std::to_string(bytes) + " bytes to " + describe(to));
    if (from_device && !is_device_range(from, bytes)) return fail_with(kInvalidValue, "copies " + std::to_string(bytes) + " bytes from " + describe(from));
    Node node{};
    node.kind = Node::copy, node.to = to, node.from = from, node.bytes = bytes;
    return submit(stream, std::move(node));
}

void read_settings() {
    const struct { const char* name; long* value; } all[] = {
        {"QWEN3NEXT_EMULATOR_SEED", &settings.seed},           {"QWEN3NEXT_EMULATOR_POISON", &settings.poison},
        {"QWEN3NEXT_EMULATOR_GUARDED", &settings.guarded},     {"QWEN3NEXT_EMULATOR_PRIVATE_MEMORY", &settings.private_memory},
        {"QWEN3NEXT_EMULATOR_MEMORY_MIB", &settings.memory_mib}, {"QWEN3NEXT_EMULATOR_CAPABILITY", &settings.capability}, {"QWEN3NEXT_EMULATOR_MULTIPROCESSORS", &settings.multiprocessors},
        {"QWEN3NEXT_EMULATOR_IDLE", &settings.idle},           {"QWEN3NEXT_EMULATOR_TIMEOUT_SECONDS", &settings.timeout_seconds},
    };
    for (auto& setting : all)
        if (const char* text = getenv(setting.name)) *setting.value = atol(text);
}

__attribute__((constructor)) void on_load() { read_settings(); }

}  // namespace
}  // namespace emulator

using namespace emulator;

// ---- Of the emulator itself ----

// Changes a setting, named as in the environment.
EXPORT void emulator_configure(const char* name, long value) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    setenv(name, std::to_string(value).c_str(), 1);
    read_settings();
}
// Forgets a sticky error, which on a GPU takes a new process.
EXPORT void emulator_recover() {
    std::lock_guard<std::recursive_mutex> hold(lock);
    context_lost = 0;
    detail.clear();
}

// ---- Start, devices, contexts ----

EXPORT int cuInit(unsigned) {
    initialized = true;
    return kSuccess;
}
EXPORT int cuDriverGetVersion(int* version) {
    *version = 12040;
    return kSuccess;
}
EXPORT int cuGetErrorName(int code, const char** name) {
    for (auto& error : errors)
        if (error.code == code) return *name = error.name, kSuccess;
    return kInvalidValue;
}
EXPORT int cuGetErrorString(int code, const char** text) {
    static thread_local std::string description;
    for (auto& error : errors)
        if (error.code == code) {
            description = error.text + (detail.empty() ? "" : " [" + detail + "]");
            *text = description.c_str();
            return kSuccess;
        }
    return kInvalidValue;
}
EXPORT int cuDeviceGetCount(int* count) {
    if (!initialized) return kNotInitialized;
    *count = 1;
    return kSuccess;
}
EXPORT int cuDeviceGet(int* device, int ordinal) {
    if (ordinal) return kInvalidDevice;
    *device = 0;
    return kSuccess;
}
EXPORT int cuDeviceGetName(char* name, int length, int) {
    snprintf(name, (size_t)length, "Emulated GPU");
    return kSuccess;
}
EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = (size_t)settings.memory_mib << 20;
    return kSuccess;
}
EXPORT int cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 16: *value = (int)settings.multiprocessors; return kSuccess;
        case 38: *value = 1 << 20; return kSuccess;
        case 75: *value = (int)settings.capability / 10; return kSuccess;
        case 76: *value = (int)settings.capability % 10; return kSuccess;
        case 97: *value = (int)most_shared(); return kSuccess;
        default: return kInvalidValue;
    }
}
EXPORT int cuDevicePrimaryCtxRetain(void** context, int) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    if (context_lost) return context_lost;
    context_references++;
    *context = &context_references;
    return kSuccess;
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    return context_references-- > 0 ? kSuccess : kInvalidContext;
}
EXPORT int cuCtxSetCurrent(void* context) {
    if (context && context_references == 0) return kInvalidContext;
    has_context = context != nullptr;
    return context_lost;
}

// ---- Memory ----

EXPORT int cuMemGetInfo_v2(size_t* free, size_t* total) {
    ENTER
    *total = (size_t)settings.memory_mib << 20;
    *free = *total - allocated_bytes();
    return kSuccess;
}
EXPORT int cuMemAlloc_v2(void** address, size_t bytes) {
    ENTER
    return allocate(address, bytes);
}
EXPORT int cuMemFree_v2(void* address) {
    ENTER
    return address ? release(address) : kSuccess;
}
EXPORT int cuMemHostAlloc(void** address, size_t bytes, unsigned) {
    ENTER
    *address = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    return *address ? kSuccess : kOutOfMemory;
}
EXPORT int cuMemFreeHost(void* address) {
    ENTER
    free(address);
    return kSuccess;
}
EXPORT int cuMemcpyHtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    ENTER NEED(stream)
    return copy((Stream*)stream, to, from, bytes, true, false);
}
EXPORT int cuMemcpyDtoHAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    ENTER NEED(stream)
    return copy((Stream*)stream, to, from, bytes, false, true);
}
EXPORT int cuMemcpyDtoDAsync_v2(void* to, const void* from, size_t bytes, void* stream) {
    ENTER NEED(stream)
    return copy((Stream*)stream, to, from, bytes, true, true);
}
EXPORT int cuMemsetD8Async(void* to, unsigned char value, size_t bytes, void* stream) {
    ENTER NEED(stream)
    if (!is_device_range(to, bytes)) return fail_with(kInvalidValue, "fills " + std::to_string(bytes) + " bytes at " + describe(to));
    Node node{};
    node.kind = Node::fill, node.to = to, node.value = value, node.bytes = bytes;
    return submit((Stream*)stream, std::move(node));
}

// ---- Streams, events ----

EXPORT int cuStreamCreate(void** stream, unsigned) {
    ENTER
    *stream = made(new Stream);
    return kSuccess;
}
EXPORT int cuStreamDestroy_v2(void* stream) {
    ENTER
    return destroyed<Stream>(stream);
}
EXPORT int cuStreamSynchronize(void* stream) {
    ENTER NEED(stream)
    return refuse_in_capture((Stream*)stream);
}
EXPORT int cuStreamWaitEvent(void* stream, void* event, unsigned) {
    ENTER NEED(stream) NEED(event)
    // Waiting for work that is being recorded makes the stream record too.
    if (((Event*)event)->recording()) ((Stream*)stream)->capture = ((Event*)event)->capture;
    return kSuccess;
}
EXPORT int cuEventCreate(void** event, unsigned flags) {
    ENTER
    *event = made(new Event);
    ((Event*)*event)->timing = !(flags & 2);
    return kSuccess;
}
EXPORT int cuEventDestroy_v2(void* event) {
    ENTER
    return destroyed<Event>(event);
}
EXPORT int cuEventRecord(void* event, void* stream) {
    ENTER NEED(stream) NEED(event)
    auto& recorded = *(Event*)event;
    recorded.capture = ((Stream*)stream)->capture;
    recorded.recorded = true;
    recorded.time = std::chrono::steady_clock::now();
    return kSuccess;
}
EXPORT int cuEventSynchronize(void* event) {
    ENTER NEED(event)
    return ((Event*)event)->recording() ? kCaptureUnsupported : kSuccess;
}
EXPORT int cuEventQuery(void* event) {
    ENTER NEED(event)
    return ((Event*)event)->recording() ? kCaptureUnsupported : kSuccess;
}
EXPORT int cuEventElapsedTime(float* milliseconds, void* start, void* end) {
    ENTER NEED(start) NEED(end)
    const auto &from = *(Event*)start, &to = *(Event*)end;
    if (!from.timing || !to.timing || !from.recorded || !to.recorded) return kInvalidHandle;
    *milliseconds = std::chrono::duration<float, std::milli>(to.time - from.time).count();
    return kSuccess;
}

// ---- Modules, launches ----

EXPORT int cuModuleLoadData(void** module, const char* image) {
    ENTER
    if (memcmp(image, "QN3EMU\0\0", 8)) return kInvalidImage;
    size_t bytes;
    memcpy(&bytes, image + 8, sizeof bytes);
    if (bytes == 0) {
        *module = made(new LoadedModule{nullptr, &idle_module, {}});
        return kSuccess;
    }
    // dlopen takes a file. Its name must be new each time: the loader knows libraries by name.
    static int count;
    const char* folder = getenv("TMPDIR");
    const std::string file = std::string(folder ? folder : "/tmp") + "/qwen3next-emulated-" + std::to_string(getpid()) + "-" + std::to_string(count++) + ".so";
    FILE* out = fopen(file.c_str(), "wb");
    const bool written = out && fwrite(image + 16, 1, bytes, out) == bytes;
    if (out) fclose(out);
    void* library = written ? dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
    const char* reason = library ? "" : written ? dlerror() : "cannot be written";
    unlink(file.c_str());
    if (!library) return fail_with(kInvalidImage, file + ": " + reason);
    auto* loaded = made(new LoadedModule{library, (const Module*)dlsym(library, "emulated_module"), {}});
    for (int i = 0; i < loaded->module->kernel_count; i++)
        loaded->functions.push_back(std::make_unique<Function>(Function{&loaded->module->kernels[i], loaded->module, kGrantedShared}));
    *module = loaded;
    return kSuccess;
}
EXPORT int cuModuleUnload(void* module) {
    ENTER NEED(module)
    if (void* library = ((LoadedModule*)module)->library) dlclose(library);
    return destroyed<LoadedModule>(module);
}
EXPORT int cuModuleGetFunction(void** function, void* module, const char* name) {
    ENTER NEED(module)
    auto& functions = ((LoadedModule*)module)->functions;
    if (((LoadedModule*)module)->module == &idle_module) {
        functions.push_back(std::make_unique<Function>(Function{&idle_kernel, &idle_module, kGrantedShared}));
        return *function = functions.back().get(), kSuccess;
    }
    for (auto& candidate : functions)
        if (!strcmp(candidate->kernel->name, name)) return *function = candidate.get(), kSuccess;
    return kNotFound;
}
EXPORT int cuFuncGetAttribute(int* value, int attribute, void* function) {
    ENTER
    const auto& f = *(Function*)function;
    switch (attribute) {
        case 0: *value = f.kernel->max_threads; return kSuccess;
        case 1: *value = (int)(f.module->shared_end - f.module->shared_begin); return kSuccess;
        case 3: *value = 0; return kSuccess;
        case 4: *value = 32; return kSuccess;
        case 8: *value = (int)f.most_dynamic; return kSuccess;
        default: return kInvalidValue;
    }
}
EXPORT int cuFuncSetAttribute(void* function, int attribute, int value) {
    ENTER
    auto& f = *(Function*)function;
    if (attribute != 8 || value < 0 || (uint32_t)value + (f.module->shared_end - f.module->shared_begin) > most_shared()) return kInvalidValue;
    f.most_dynamic = (uint32_t)value;
    return kSuccess;
}

struct LaunchConfig {
    Index3 grid, block;
    unsigned shared_bytes;
    void* stream;
    struct Attribute {
        int id;
        alignas(8) char value[64];
    }* attributes;
    unsigned attribute_count;
};

EXPORT int cuLaunchKernelEx(const LaunchConfig* config, void* function, void** arguments, void**) {
    ENTER NEED(config->stream)
    const auto& f = *(Function*)function;
    const Index3 &g = config->grid, &b = config->block;
    const uint64_t threads = (uint64_t)b.x * b.y * b.z;
    const auto static_bytes = (size_t)(f.module->shared_end - f.module->shared_begin);
    if (threads == 0 || threads > (uint64_t)f.kernel->max_threads || b.z > 64)
        return fail_with(kInvalidValue, "a block of " + size_text(b) + "; this kernel takes 1 to " + std::to_string(f.kernel->max_threads) + " threads");
    if (g.x == 0 || g.y == 0 || g.z == 0 || g.x > 0x7fffffffu || g.y > 65535 || g.z > 65535) return fail_with(kInvalidValue, "a grid of " + size_text(g));
    if (config->shared_bytes > f.most_dynamic || config->shared_bytes + static_bytes > most_shared())
        return fail_with(kInvalidValue, std::to_string(config->shared_bytes) + " bytes of dynamic shared memory; granted are " + std::to_string(f.most_dynamic));
    if (f.kernel == &idle_kernel) return kSuccess;
    int given = 0;
    while (arguments[given]) given++;
    if (given != f.kernel->parameter_count)
        return fail_with(kInvalidValue, "given are " + std::to_string(given) + " arguments; the kernel has " + std::to_string(f.kernel->parameter_count) + " parameters");
    Node node{};
    node.kind = Node::launch;
    node.run = {f.kernel, f.module, g, b, config->shared_bytes, false, {}};
    for (unsigned i = 0; i < config->attribute_count; i++) node.run.overlaps |= config->attributes[i].id == 6 && config->attributes[i].value[0];
    for (int i = 0; i < given; i++) node.run.arguments.emplace_back((char*)arguments[i], (char*)arguments[i] + f.kernel->parameter_bytes[i]);
    return submit((Stream*)config->stream, std::move(node));
}

// ---- Graphs ----

EXPORT int cuStreamBeginCapture_v2(void* stream, int) {
    ENTER NEED(stream)
    auto& s = *(Stream*)stream;
    if (s.recording()) return kInvalidValue;
    s.capture = std::make_shared<Capture>();
    s.capture->origin = stream;
    return kSuccess;
}
EXPORT int cuStreamEndCapture(void* stream, void** graph) {
    ENTER NEED(stream)
    *graph = nullptr;
    Capture* capture = ((Stream*)stream)->recording();
    if (!capture || capture->origin != stream) return kInvalidValue;
    capture->ended = true;
    if (capture->invalidated) return kCaptureInvalidated;
    *graph = made(capture->graph.release());
    return kSuccess;
}
EXPORT int cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
    ENTER NEED(graph)
    *executable = made(new Graph(*(Graph*)graph));
    return kSuccess;
}
EXPORT int cuGraphDestroy(void* graph) {
    ENTER
    return destroyed<Graph>(graph);
}
EXPORT int cuGraphExecDestroy(void* executable) {
    ENTER
    return destroyed<Graph>(executable);
}
EXPORT int cuGraphLaunch(void* executable, void* stream) {
    ENTER NEED(executable) NEED(stream)
    if (((Stream*)stream)->recording()) return kCaptureUnsupported;
    for (Node& node : ((Graph*)executable)->nodes) {
        perform(node);
        if (context_lost) break;
    }
    return kSuccess;
}
