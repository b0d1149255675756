// Stands in for libnvrtc: "compiles" a source by g++ with the prelude before it. The image is a shared object behind a short header.
#include "emulator.h"
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <regex>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int kSuccess = 0, kInvalidInput = 3, kInvalidOption = 5, kCompilation = 6, kInternal = 11;

struct Program {
    std::string source, name, log, image;
    std::map<std::string, std::string> headers;
};

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

// The prelude lies beside this library.
std::string own_folder() {
    Dl_info info;
    dladdr((void*)own_folder, &info);
    const std::string path = info.dli_fname;
    return path.substr(0, path.rfind('/'));
}

// Must be those that build.sh precompiles the prelude with.
std::vector<std::string> compile_options() {
    std::istringstream in(read_file(own_folder() + "/compile_options.txt"));
    std::vector<std::string> options;
    for (std::string option; in >> option;) options.push_back(option);
    return options;
}

// Runs a program with its error output in a file; its exit status, or -1.
int run_program(const std::vector<std::string>& arguments, const std::string& error_file) {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back((char*)argument.c_str());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    pid_t child;
    const int failed = posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    int status;
    if (failed || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

// Dynamic shared memory has its size at launch: extern __shared__ T name[]; becomes a pointer.
std::string with_dynamic_shared(const std::string& text) {
    static const std::regex declaration(R"(extern\s+__shared__\s+((?:__align__\s*\(\s*\w+\s*\)\s*|alignas\s*\([^)]*\)\s*)?)([^;\[\(]+?)\s*\b(\w+)\s*\[\s*\]\s*;)");
    return std::regex_replace(text, declaration, "$2* const $3 = reinterpret_cast<$2*>(::emulator::runtime->dynamic_shared);");
}

struct KernelText {
    std::string name, bounds;
};

// Kernels are found in preprocessed text: __global__, then the name before the parameters. Launch bounds may stand on either side of void.
std::vector<KernelText> kernels_of(const std::string& text) {
    std::vector<KernelText> kernels;
    const std::string marker = "__global__";
    for (size_t at = text.find(marker); at != std::string::npos; at = text.find(marker, at)) {
        at += marker.size();
        KernelText kernel{"", "1024"};
        std::string word;
        for (; at < text.size(); at++) {
            if (isalnum((unsigned char)text[at]) || text[at] == '_') {
                word += text[at];
            } else if (text[at] == '(' && word == "__launch_bounds__") {
                const size_t open = at;
                for (int depth = 1; depth && ++at < text.size();) depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
                kernel.bounds = text.substr(open + 1, at - open - 1);
                word.clear();
            } else if (text[at] == '(') {
                break;
            } else if (at + 1 < text.size() && (isalnum((unsigned char)text[at + 1]) || text[at + 1] == '_')) {
                word.clear();
            }
        }
        kernel.name = word;
        kernels.push_back(kernel);
    }
    return kernels;
}

// Everything is local to the shared object, as device code is to its module.
std::string host_source(const std::string& preprocessed) {
    std::string text = "namespace {\n" + with_dynamic_shared(preprocessed) + "\n}\nstatic const emulator::KernelEntry emulated_kernels[] = {\n";
    const auto kernels = kernels_of(preprocessed);
    for (const KernelText& kernel : kernels) {
        const std::string trampoline = "emulator::Trampoline<&" + kernel.name + ">";
        text += "{\"" + kernel.name + "\", " + trampoline + "::call, " + trampoline + "::count, " + trampoline + "::bytes, emulator::max_threads(" + kernel.bounds + ")},\n";
    }
    return text + "{}};\nextern \"C\" __attribute__((visibility(\"default\"))) const emulator::Module emulated_module = {emulated_kernels, " + std::to_string(kernels.size()) +
           ", __start_emulated_shared, __stop_emulated_shared, &emulator::runtime};\n";
}

// -D options pass; --gpu-architecture=sm_90a or compute_90 defines __CUDA_ARCH__; what else kernels are compiled with has no meaning here.
int preprocessor_options(int count, const char* const* options, std::vector<std::string>& result, std::string& log) {
    for (int i = 0; i < count; i++) {
        const std::string option = options[i], architecture = "--gpu-architecture=";
        if (option.rfind("-D", 0) == 0) {
            result.push_back(option);
        } else if (option.rfind(architecture, 0) == 0) {
            const int number = atoi(option.c_str() + option.find('_') + 1);
            result.push_back("-D__CUDA_ARCH__=" + std::to_string(number * 10));
            if (option.back() == 'a') result.push_back("-D__CUDA_ARCH_FEAT_SM" + std::to_string(number) + "_ALL");
        } else if (option.rfind("--std=", 0) && option.rfind("--ptxas-options=", 0)) {
            log = "unrecognized option " + option;
            return kInvalidOption;
        }
    }
    return kSuccess;
}

int compile(Program& program, const std::string& folder, const std::vector<std::string>& defines) {
    for (auto& [name, text] : program.headers) write_file(folder + "/" + name, text);
    const std::string source = folder + "/source.cu", preprocessed = folder + "/preprocessed.cpp", ready = folder + "/host.cpp", object = folder + "/kernels.so", log = folder + "/log";
    write_file(source, "#line 1 \"" + program.name + "\"\n" + program.source);
    std::vector<std::string> preprocess = {"g++", "-E", "-x", "c++", "-std=gnu++17", "-w", "-DQWEN3NEXT_EMULATED", "-D__CUDACC__", "-D__CUDACC_RTC__", "-I", folder, source, "-o", preprocessed};
    preprocess.insert(preprocess.end(), defines.begin(), defines.end());
    int status = run_program(preprocess, log);
    if (status == 0) {
        write_file(ready, host_source(read_file(preprocessed)));
        std::vector<std::string> build = {"g++"};
        for (const std::string& option : compile_options()) build.push_back(option);
        for (const std::string& argument : {std::string("-shared"), std::string("-include"), own_folder() + "/prelude.h", ready, std::string("-o"), object}) build.push_back(argument);
        status = run_program(build, log);
    }
    program.log = status < 0 ? "g++ cannot be run" : read_file(log);
    if (status) return kCompilation;
    const std::string library = read_file(object);
    const size_t bytes = library.size();
    program.image = std::string("QN3EMU\0\0", 8) + std::string((const char*)&bytes, sizeof bytes) + library;
    return kSuccess;
}

}  // namespace

EXPORT const char* nvrtcGetErrorString(int result) {
    switch (result) {
        case kSuccess: return "NVRTC_SUCCESS";
        case kInvalidInput: return "NVRTC_ERROR_INVALID_INPUT";
        case kInvalidOption: return "NVRTC_ERROR_INVALID_OPTION";
        case kCompilation: return "NVRTC_ERROR_COMPILATION";
        default: return "NVRTC_ERROR_INTERNAL_ERROR";
    }
}

// A version that changes with all that decides what an image is: the prelude, the options, the processor it is compiled for, and whether it is empty.
EXPORT int nvrtcVersion(int* major, int* minor) {
    uint64_t hash = 1469598103934665603ull;
    auto add = [&](const std::string& text) {
        for (unsigned char c : text) hash = (hash ^ c) * 1099511628211ull;
    };
    for (const char* file : {"runtime.h", "prelude.h", "prelude_types.h", "prelude_math.h", "prelude_memory.h", "prelude_warp.h", "prelude_ptx.h", "prelude_launch.h", "compile_options.txt"})
        add(read_file(own_folder() + "/" + file));
    const std::string processor = read_file("/proc/cpuinfo");
    add(processor.substr(0, processor.find("stepping")));
    add(__VERSION__);
    *major = emulator::settings.idle ? 1 : 0;
    *minor = (int)(hash >> 33);
    return kSuccess;
}
EXPORT int nvrtcGetNumSupportedArchs(int* count) {
    *count = 4;
    return kSuccess;
}
EXPORT int nvrtcGetSupportedArchs(int* architectures) {
    const int all[] = {80, 86, 89, 90};
    memcpy(architectures, all, sizeof all);
    return kSuccess;
}
EXPORT int nvrtcCreateProgram(Program** program, const char* source, const char* name, int header_count, const char* const* headers, const char* const* names) {
    auto* made = new Program{source, name, "", "", {}};
    for (int i = 0; i < header_count; i++) made->headers[names[i]] = headers[i];
    *program = made;
    return kSuccess;
}
EXPORT int nvrtcDestroyProgram(Program** program) {
    delete *program;
    *program = nullptr;
    return kSuccess;
}
EXPORT int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
    if (emulator::settings.idle) {
        program->image = std::string("QN3EMU\0\0", 8) + std::string(sizeof(size_t), '\0');
        return kSuccess;
    }
    std::vector<std::string> defines;
    if (const int error = preprocessor_options(count, options, defines, program->log)) return error;
    const char* temporary = getenv("TMPDIR");
    std::string folder = std::string(temporary ? temporary : "/tmp") + "/qwen3next-kernels-XXXXXX";
    if (!mkdtemp(folder.data())) return kInternal;
    const int result = compile(*program, folder, defines);
    if (!getenv("QWEN3NEXT_EMULATOR_KEEP")) run_program({"rm", "-r", folder}, "/dev/null");
    return result;
}
EXPORT int nvrtcGetProgramLogSize(Program* program, size_t* bytes) {
    *bytes = program->log.size() + 1;
    return kSuccess;
}
EXPORT int nvrtcGetProgramLog(Program* program, char* log) {
    memcpy(log, program->log.c_str(), program->log.size() + 1);
    return kSuccess;
}
EXPORT int nvrtcGetCUBINSize(Program* program, size_t* bytes) {
    *bytes = program->image.size();
    return kSuccess;
}
EXPORT int nvrtcGetCUBIN(Program* program, char* image) {
    memcpy(image, program->image.data(), program->image.size());
    return kSuccess;
}
EXPORT int nvrtcGetPTXSize(Program* program, size_t* bytes) { return nvrtcGetCUBINSize(program, bytes); }
EXPORT int nvrtcGetPTX(Program* program, char* image) { return nvrtcGetCUBIN(program, image); }
