#include <curl/curl.h>

// Swift cannot call C functions with variable arguments: one function for each type of argument.

static inline CURLcode krait_curl_set_long(CURL *curl, CURLoption option, long value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode krait_curl_set_pointer(CURL *curl, CURLoption option, const void *value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode krait_curl_set_function(
    CURL *curl, CURLoption option, size_t (*value)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode krait_curl_get_long(CURL *curl, CURLINFO info, long *value) {
    return curl_easy_getinfo(curl, info, value);
}

static inline CURLcode krait_curl_get_text(CURL *curl, CURLINFO info, const char **value) {
    return curl_easy_getinfo(curl, info, (char **)value);
}

static inline CURLcode krait_curl_get_pointer(CURL *curl, CURLINFO info, void **value) {
    return curl_easy_getinfo(curl, info, (char **)value);
}

static inline CURLMcode krait_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode krait_curl_multi_watch(
    CURLM *multi, curl_socket_callback watch, curl_multi_timer_callback wait, void *own) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    if (!code) code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, own);
    if (!code) code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, wait);
    if (!code) code = curl_multi_setopt(multi, CURLMOPT_TIMERDATA, own);
    return code;
}

// A message's result stands in a union, which Swift does not see by name.
static inline CURLcode krait_curl_result(const CURLMsg *message) { return message->data.result; }
