// What a program that imports Krait sees of the targets below it.
@_exported import KraitEvaluation
@_exported import KraitLM
@_exported import KraitModules
@_exported import KraitObservability
@_exported import KraitPipelines
@_exported import KraitPrompts
@_exported import KraitRouting
@_exported import KraitSignatures
@_exported import KraitWire
