/// Who makes the calls of the current task, for those who account for them.
///
/// Pipelines set it for their steps and the router for native code; child tasks inherit it.
package struct CallOrigin: Sendable {
    /// Empty outside of pipelines and native code.
    @TaskLocal package static var current = CallOrigin()

    /// Tells one run of a pipeline from the others.
    package var run: String?
    /// The steps down to the one that calls, the pipeline's name first.
    package var path: [String] = []
    package var operation: String?
    package var session: String?

    package init() {}
}
