// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A Krait library target: arrows point downward only, and `Tests/TidyTests` checks that they do.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// Tests mirror the targets; all of them may use `KraitTestSupport`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["KraitTestSupport"],
        swiftSettings: settings
    )
}

let package = Package(
    name: "krait",
    products: [
        .library(name: "Krait", targets: ["Krait"]),
        .executable(name: "krait", targets: ["KraitCommand"]),
    ],
    targets: [
        // Debian's libraries. No `pkgConfig:`, Debian's libzmq.pc makes SwiftPM warn at each build.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CMessagePack", providers: [.apt(["libmsgpack-dev"])]),
        .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLZ4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CProcessSupport"),

        library("KraitObservability", ["CProcessSupport"]),
        library("KraitWire", ["CLZ4", "CMessagePack", "CZstd"]),
        library("KraitSignatures", ["KraitObservability", "KraitWire"]),
        library("KraitEvaluation", ["KraitSignatures", "KraitWire"]),
        library("KraitPrompts", ["KraitSignatures", "KraitWire", "KraitObservability"]),
        library("KraitStore", ["CProcessSupport", "CSQLite", "KraitObservability"]),
        library(
            "KraitLM",
            ["CCurl", "CProcessSupport", "KraitObservability", "KraitStore", "KraitWire"]
        ),
        library(
            "KraitControl",
            ["CProcessSupport", "KraitLM", "KraitObservability", "KraitSignatures", "KraitWire"]
        ),
        library("KraitZeroMQ", ["CZeroMQ", "CProcessSupport"]),
        library("KraitSupervision", ["KraitObservability"]),
        library("KraitPooling", ["KraitSupervision", "KraitWire", "KraitObservability"]),
        library(
            "KraitWorkers",
            ["KraitWire", "KraitZeroMQ", "KraitObservability", "CProcessSupport"]
        ),
        library("KraitRouting", ["KraitSignatures", "KraitWire"]),
        library(
            "KraitModules",
            [
                "KraitLM", "KraitObservability", "KraitPrompts", "KraitRouting", "KraitSignatures",
                "KraitWire",
            ]
        ),
        library(
            "KraitPipelines",
            [
                "KraitObservability", "KraitPrompts", "KraitRouting", "KraitSignatures",
                "KraitWire",
            ]
        ),
        library(
            "Krait",
            [
                "KraitControl", "KraitEvaluation", "KraitLM", "KraitModules", "KraitObservability",
                "KraitPipelines", "KraitPooling", "KraitPrompts", "KraitRouting",
                "KraitSignatures", "KraitStore", "KraitSupervision", "KraitWire", "KraitWorkers",
                "KraitZeroMQ",
            ]
        ),
        .target(
            name: "Benchmarks",
            dependencies: [
                "Krait", "KraitEvaluation", "KraitLM", "KraitModules", "KraitPrompts",
                "KraitSignatures", "KraitWire", "KraitWorkers", "CZeroMQ",
            ],
            path: "Benchmarks",
            exclude: ["README.md", "peers", "plots", "worker_loop.py"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "KraitCommand",
            dependencies: [
                "Krait", "KraitControl", "KraitPrompts", "Benchmarks", "CProcessSupport", "CYAML",
            ],
            swiftSettings: settings
        ),

        .executableTarget(
            name: "support-desk",
            dependencies: ["Krait"],
            path: "Sources/SupportDesk",
            swiftSettings: settings
        ),
        .target(
            name: "KraitTestSupport",
            dependencies: ["KraitObservability"],
            path: "Tests/Support",
            swiftSettings: settings
        ),
        .target(
            name: "KraitChaos",
            dependencies: ["CProcessSupport", "KraitTestSupport", "KraitWire", "KraitWorkers"],
            path: "Tests/Chaos/Library",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "krait-chaos",
            dependencies: ["KraitChaos"],
            path: "Tests/Chaos/Command",
            swiftSettings: settings
        ),
        tests("CProcessSupportTests", ["CProcessSupport"]),
        tests("KraitChaosTests", ["KraitChaos", "KraitWire"]),
        tests(
            "KraitCommandTests",
            [
                "KraitCommand", "KraitControl", "Benchmarks", "Krait", "KraitObservability",
                "KraitWire",
            ]
        ),
        tests("KraitEvaluationTests", ["KraitEvaluation", "KraitObservability", "KraitWire"]),
        tests("KraitLMTests", ["KraitLM", "KraitObservability", "KraitStore", "KraitWire"]),
        tests(
            "KraitModulesTests",
            [
                "KraitLM", "KraitModules", "KraitObservability", "KraitPrompts", "KraitRouting",
                "KraitSignatures", "KraitWire",
            ]
        ),
        tests("KraitObservabilityTests", ["KraitObservability"]),
        tests(
            "KraitPipelinesTests",
            [
                "KraitObservability", "KraitPipelines", "KraitRouting", "KraitSignatures",
                "KraitWire",
            ]
        ),
        tests(
            "KraitPoolingTests",
            ["KraitPooling", "KraitObservability", "KraitWire", "KraitZeroMQ"]
        ),
        tests("KraitPromptsTests", ["KraitPrompts", "KraitSignatures", "KraitWire"]),
        tests("KraitRoutingTests", ["KraitRouting", "KraitSignatures", "KraitWire"]),
        tests(
            "KraitSignaturesTests",
            ["KraitSignatures", "KraitObservability", "KraitWire"]
        ),
        tests("KraitStoreTests", ["KraitStore", "CSQLite"]),
        tests("KraitSupervisionTests", ["KraitSupervision", "KraitObservability"]),
        tests("KraitTestSupportTests", ["KraitObservability"]),
        tests("KraitWireTests", ["KraitWire", "CMessagePack"]),
        tests(
            "KraitWorkersTests",
            ["KraitWorkers", "KraitWire", "KraitZeroMQ", "KraitObservability", "CProcessSupport"]
        ),
        tests("KraitZeroMQTests", ["KraitZeroMQ", "CZeroMQ", "CProcessSupport"]),
        tests(
            "IntegrationTests",
            [
                "Krait", "KraitModules", "KraitObservability", "KraitWire", "KraitWorkers",
                "CProcessSupport", "ReadmeExamples",
            ]
        ),
        .target(
            name: "ReadmeExamples",
            dependencies: ["Krait"],
            path: "Tests/ReadmeExamples",
            swiftSettings: settings
        ),
        tests(
            "FuzzTests",
            [
                "Krait", "KraitCommand", "KraitControl", "KraitPrompts", "KraitSignatures",
                "KraitWire",
            ]
        ),
        tests("SimulationTests", ["KraitPooling"]),
        tests("TidyTests", ["KraitObservability"]),
    ],
    cLanguageStandard: .gnu11
)
