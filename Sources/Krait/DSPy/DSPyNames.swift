// Made by `make dspy-release` from DSPy 3.4.1.

extension DSPyName {
    /// The DSPy that the table was made from.
    public static let release = "3.4.1"

    /// A line for each public name: what `DSPyName(line:)` reads.
    static let table = #"""
        Adapter;adapter;not;adapters;-;;a base of classes that does nothing by itself
        AdapterParseError;error;both;;-;;a `Fault` of its type
        Audio;type;python;adapters;data:str audio_format:str;;
        AvatarOptimizer;optimizer;python;teleprompt;metric max_iters:int= lower_bound:int= \#
        upper_bound:int= max_positive_inputs:int/null= max_negative_inputs:int/null= \#
        optimize_for:str=;;`krait optimize`
        BaseLM;lm;not;clients;-;;an LM is written as its settings: options.lm, or {"lm": {…}} \#
        within a spec
        BaseModule;object;not;primitives;-;;a base of classes that does nothing by itself
        BestOfN;module;both;predict;module N:int reward_fn threshold:float \#
        fail_count:int/null=;**;`Program.bestOf`
        BetterTogether;optimizer;python;teleprompt;metric **;;`krait optimize`
        BootstrapFewShot;optimizer;python;teleprompt;metric= metric_threshold= \#
        teacher_settings:dict/null= max_bootstrapped_demos= max_labeled_demos= max_rounds= \#
        max_errors=;;`krait optimize`
        BootstrapFewShotWithOptuna;optimizer;python;teleprompt;metric teacher_settings= \#
        max_bootstrapped_demos= max_labeled_demos= max_rounds= num_candidate_programs= \#
        num_threads=;;`krait optimize`; needs optuna
        BootstrapFewShotWithRandomSearch;optimizer;python;teleprompt;metric teacher_settings= \#
        max_bootstrapped_demos= max_labeled_demos= max_rounds= num_candidate_programs= \#
        num_threads= max_errors= stop_at_score= metric_threshold=;;`krait optimize`
        BootstrapFinetune;optimizer;python;teleprompt;metric= multitask:bool= \#
        train_kwargs:dict/null= adapter= exclude_demos:bool= num_threads:int/null=;;`krait \#
        optimize`
        COPRO;optimizer;python;teleprompt;prompt_model= metric= breadth= depth= \#
        init_temperature= track_stats= **;;`krait optimize`
        ChainOfThought;module;both;predict;signature rationale_field= rationale_field_type= \#
        **;**;`chainOfThought`
        ChatAdapter;adapter;both;adapters;use_native_function_calling:bool= \#
        native_response_types:list/null= use_json_adapter_fallback:bool= \#
        parallel_tool_calls:bool/null=;;`PromptAdapter.chat`
        Code;type;python;adapters;code:str;;
        CodeAct;module;python;predict;signature tools:list max_iters:int=;**;runs code: with \#
        Deno, or by the pool's option interpreter: local
        CodeExecutionError;error;both;primitives;-;;a `Fault` of its type
        CodeInterpreter;object;not;primitives;-;;the pool's option interpreter says where code \#
        runs
        CodeInterpreterError;error;both;primitives;-;;a `Fault` of its type
        ColBERTv2;retriever;python;;url:str= port:str/int/null= post_requests:bool=;query:str \#
        k:int= simplify:bool=;
        Completions;object;python;primitives;list_or_dict signature=;;
        ContextWindowExceededError;error;both;;-;;a `Fault` of its type
        DSPyError;error;both;;-;;a `Fault` of its type
        Embedder;object;both;clients;-;;`Embedder`; an embedder is written {"embedder": \#
        {"model": …}}, or as a tool of the call's
        Embeddings;retriever;python;retrievers;corpus:list embedder k:int= cache:bool= \#
        brute_force_threshold:int= normalize:bool=;query:str;needs numpy
        EmbeddingsWithScores;retriever;python;retrievers;corpus:list embedder k:int= \#
        cache:bool= brute_force_threshold:int= normalize:bool=;query:str;needs numpy
        Ensemble;optimizer;python;teleprompt;reduce_fn= size= deterministic=;;`krait optimize`
        Evaluate;evaluator;both;evaluate;devset:list metric= num_threads:int/null= \#
        display_progress:bool= display_table:bool/int= max_errors:int/null= \#
        provide_traceback:bool/null= failure_score:float= save_as_csv:str/null= \#
        save_as_json:str/null= **;program metric= devset:list/null= num_threads:int/null= \#
        display_progress:bool/null= display_table:bool/int/null= callback_metadata:dict/null= \#
        save_as_csv:str/null= save_as_json:str/null=;`Evaluation`
        Example;object;both;primitives;base= **;;a `ValueMap`
        File;type;python;adapters;file_data:str/null= file_id:str/null= filename:str/null=;;
        FinalOutput;object;not;primitives;-;;the pool's option interpreter says where code \#
        runs
        Flex;module;python;;signature tools:list/null= max_predictor_calls:int/null=;**;runs \#
        code: with Deno, or by the pool's option interpreter: local
        GEPA;optimizer;python;teleprompt;metric auto:'light'/'medium'/'heavy'/null= \#
        max_full_evals:int/null= max_metric_calls:int/null= reflection_minibatch_size:int= \#
        candidate_selection_strategy:'pareto'/'current_best'= reflection_lm= \#
        skip_perfect_score:bool= add_format_failure_as_feedback:bool= instruction_proposer= \#
        code_proposer= component_selector= use_merge:bool= max_merge_invocations:int/null= \#
        num_threads:int/null= failure_score:float= perfect_score:float= log_dir:str/null= \#
        track_stats:bool= use_wandb:bool= wandb_api_key:str/null= wandb_init_kwargs:dict/null= \#
        track_best_outputs:bool= warn_on_score_mismatch:bool= use_mlflow:bool= seed:int/null= \#
        gepa_kwargs:dict/null=;;`krait optimize`; needs gepa
        History;type;python;adapters;messages:list;;
        Image;type;python;adapters;source= download= verify= url:str;;
        InferRules;optimizer;python;teleprompt;num_candidates= num_rules= num_threads= \#
        teacher_settings= **;;`krait optimize`
        InputField;function;native;signatures;-;;`FieldNotes`; a signature is written as data: \#
        {"signature": "question -> answer"}
        JSONAdapter;adapter;both;adapters;use_native_function_calling:bool= \#
        parallel_tool_calls:bool/null=;;`PromptAdapter.json`
        KNN;retriever;both;predict;k:int trainset:list vectorizer;**;`NearestDemos`; needs \#
        numpy
        KNNFewShot;optimizer;python;teleprompt;k:int trainset:list vectorizer **;;`krait \#
        optimize`; needs numpy
        LM;lm;both;clients;-;;`LM`; an LM is written as its settings: options.lm, or {"lm": \#
        {…}} within a spec
        LMAuthError;error;both;;-;;a `Fault` of its type
        LMBillingError;error;both;;-;;a `Fault` of its type
        LMCollectionLimitError;error;both;;-;;a `Fault` of its type
        LMConfigurationError;error;both;;-;;a `Fault` of its type
        LMError;error;both;;-;;a `Fault` of its type
        LMInvalidRequestError;error;both;;-;;a `Fault` of its type
        LMLockTimeoutError;error;both;;-;;a `Fault` of its type
        LMNotConfiguredError;error;both;;-;;a `Fault` of its type
        LMProviderError;error;both;;-;;a `Fault` of its type
        LMRateLimitError;error;both;;-;;a `Fault` of its type
        LMServerError;error;both;;-;;a `Fault` of its type
        LMStreamAssemblyError;error;both;;-;;a `Fault` of its type
        LMTimeoutError;error;both;;-;;a `Fault` of its type
        LMTransportError;error;both;;-;;a `Fault` of its type
        LMUnexpectedError;error;both;;-;;a `Fault` of its type
        LMUnsupportedFeatureError;error;both;;-;;a `Fault` of its type
        LMUnsupportedModelError;error;both;;-;;a `Fault` of its type
        LabeledFewShot;optimizer;python;teleprompt;k=;;`krait optimize`
        LocalInterpreter;object;not;primitives;-;;the pool's option interpreter says where \#
        code runs
        MIPROv2;optimizer;python;teleprompt;metric prompt_model= task_model= \#
        teacher_settings:dict/null= max_bootstrapped_demos:int= max_labeled_demos:int= \#
        auto:'light'/'medium'/'heavy'/null= num_candidates:int/null= num_threads:int/null= \#
        max_errors:int/null= seed:int= init_temperature:float= verbose:bool= track_stats:bool= \#
        log_dir:str/null= metric_threshold:float/null=;;`krait optimize`; needs numpy and \#
        optuna
        Module;module;not;primitives;-;;a base of classes that does nothing by itself
        MultiChainComparison;module;both;predict;signature M= temperature= **;completions \#
        **;`Program.multiChainComparison`
        OldField;object;not;signatures;-;;a signature is written as data: {"signature": \#
        "question -> answer"}
        OldInputField;object;not;signatures;-;;a signature is written as data: {"signature": \#
        "question -> answer"}
        OldOutputField;object;not;signatures;-;;a signature is written as data: {"signature": \#
        "question -> answer"}
        OutputField;function;native;signatures;-;;`FieldNotes`; a signature is written as \#
        data: {"signature": "question -> answer"}
        Parallel;module;both;predict;num_threads:int/null= max_errors:int/null= \#
        access_examples:bool= return_failed_examples:bool= provide_traceback:bool/null= \#
        disable_progress_bar:bool= timeout:int= straggler_limit:int=;exec_pairs:list \#
        num_threads:int/null=;`Program.parallel`
        Predict;module;both;predict;signature **;**;`predict`
        Prediction;object;both;primitives;**;;a `ValueMap`
        ProgramOfThought;module;python;predict;signature max_iters:int=;**;runs code: with \#
        Deno, or by the pool's option interpreter: local
        Provider;object;not;clients;-;;training of models is none of Krait's
        PythonInterpreter;object;not;primitives;-;;the pool's option interpreter says where \#
        code runs
        RLM;module;python;predict;signature max_iters:int= max_llm_calls:int= \#
        max_output_chars:int= verbose:bool= tools:list/null= sub_lm=;**;runs code: with Deno, \#
        or by the pool's option interpreter: local
        ReAct;module;both;predict;signature tools:list max_iters:int=;** max_iters=;`react`
        ReActV2;module;python;predict;signature tools:list max_iters:int=;** history= \#
        max_iters=;
        Reasoning;type;python;adapters;content:str;;
        Refine;module;both;predict;module N:int reward_fn threshold:float \#
        fail_count:int/null=;**;`Program.refined`
        Retrieve;retriever;python;retrievers;k=;query:str k:int/null= **;
        SIMBA;optimizer;python;teleprompt;metric bsize:int= num_candidates:int= max_steps:int= \#
        max_demos:int= prompt_model= teacher_settings:dict/null= demo_input_field_maxlen:int= \#
        num_threads:int/null= temperature_for_sampling:float= \#
        temperature_for_candidates:float=;;`krait optimize`; needs numpy
        SandboxSerializable;object;not;primitives;-;;a base of classes that does nothing by \#
        itself
        Signature;object;both;signatures;-;;`Signature`; a signature is written as data: \#
        {"signature": "question -> answer"}
        SignatureMeta;object;not;signatures;-;;a signature is written as data: {"signature": \#
        "question -> answer"}
        Tool;type;both;adapters predict;-;;`Tool`; a tool is one of the call's: {"tool": "its \#
        name"}
        ToolCallResults;object;python;adapters;tool_call_results:list;;
        ToolCalls;type;python;adapters;tool_calls:list tool_call_results=;;
        TrainingJob;object;not;clients;-;;training of models is none of Krait's
        TwoStepAdapter;adapter;python;adapters;extraction_model **;;
        Type;type;not;adapters;-;;a base of classes that does nothing by itself
        XMLAdapter;adapter;both;adapters;use_native_function_calling:bool= \#
        native_response_types:list/null= use_json_adapter_fallback:bool= \#
        parallel_tool_calls:bool/null=;;`PromptAdapter.xml`
        asyncify;function;not;;-;;it takes or makes Python code, which no spec can hold
        bootstrap_trace_data;function;not;teleprompt;-;;it is a part of optimizers: optimize a \#
        program in its place
        cache;object;not;;-;;a pool's option says what is cached
        configure;function;not;;-;;it sets something for the whole process: a call's settings \#
        are its own
        configure_cache;function;not;clients;-;;it sets something for the whole process: a \#
        call's settings are its own
        configure_dspy_loggers;function;not;;-;;it sets something for the whole process: a \#
        call's settings are its own
        context;function;not;;-;;it sets something for the whole process: a call's settings \#
        are its own
        datasets.Colors;object;not;;-;;it downloads or loads a file: data comes with the call
        datasets.DataLoader;object;not;;-;;it downloads or loads a file: data comes with the \#
        call
        datasets.Dataset;object;not;;-;;a base of classes that does nothing by itself
        datasets.HotPotQA;object;not;;-;;it downloads or loads a file: data comes with the \#
        call
        datasets.MATH;object;not;;-;;it downloads or loads a file: data comes with the call
        disable_litellm_logging;function;not;clients;-;;it sets something for the whole \#
        process: a call's settings are its own
        disable_logging;function;not;;-;;it sets something for the whole process: a call's \#
        settings are its own
        enable_litellm_logging;function;not;clients;-;;it sets something for the whole \#
        process: a call's settings are its own
        enable_logging;function;not;;-;;it sets something for the whole process: a call's \#
        settings are its own
        ensure_signature;function;native;signatures;-;;`Schema(parsing:)`; a signature is \#
        written as data: {"signature": "question -> answer"}
        evaluate.CompleteAndGrounded;evaluator;python;;threshold=;example pred trace=;
        evaluate.EM;function;both;;;prediction answers_list;`Metrics.exactMatch`
        evaluate.EvaluationResult;object;python;;score:float results:list;;
        evaluate.SemanticF1;evaluator;python;;threshold= decompositional=;example pred trace=;
        evaluate.answer_exact_match;function;both;;;example pred trace= \#
        frac=;`Metrics.answerExactMatch`
        evaluate.answer_passage_match;function;both;;;example pred \#
        trace=;`Metrics.answerPassageMatch`
        evaluate.normalize_text;function;both;;;s;`Metrics.normalize`
        experimental.Choice;type;python;;confidence value:str/int/bool/null probabilities=;;
        experimental.Citations;type;python;;citations:list;;
        experimental.Document;type;python;;data:str title:str/null= \#
        media_type:'text/plain'/'application/pdf'= context:str/null=;;
        experimental.Noul;type;python;;confidence value probability=;;
        experimental.ReAnchor;optimizer;python;;metric num_threads= log_dir= \#
        require_cache=;;`krait optimize`
        experimental.Score;type;python;;confidence value probabilities= level=;;
        experimental.TypeSafe;object;not;;-;;an LM is written as its settings: options.lm, or \#
        {"lm": {…}} within a spec
        infer_prefix;function;python;signatures;;attribute_name:str;
        inspect_history;function;native;clients;-;;`krait lm`; workers keep no history: `krait \#
        lm` shows what was asked
        is_retryable_lm_error;function;not;;-;;an error of a call says so itself
        load;function;not;;-;;it unpickles a program: load its state as data into a session
        load_settings;function;not;;-;;it sets something for the whole process: a call's \#
        settings are its own
        majority;function;python;predict;;prediction_or_completions normalize= field=;
        make_signature;function;native;signatures;-;;`Schema(parsing:)`; a signature is \#
        written as data: {"signature": "question -> answer"}
        propose.GroundedProposer;object;not;;-;;it is a part of MIPROv2: optimize a program in \#
        its place
        resolve_interpreter_factory;function;not;primitives;-;;the pool's option interpreter \#
        says where code runs
        settings;object;not;;-;;it sets something for the whole process: a call's settings are \#
        its own
        streamify;function;native;streaming;-;;`streamPrediction`; streams are a way to call: \#
        read the call's chunks
        streaming.StatusMessage;object;native;utils;-;;`PredictionChunk`; krait asks and \#
        answers in its place
        streaming.StatusMessageProvider;object;not;utils;-;;krait asks and answers in its \#
        place
        streaming.StreamListener;object;native;;-;;the argument `fields` of streams; the \#
        argument stream_fields names the fields to listen to
        streaming.StreamResponse;object;native;;-;;`PredictionChunk`; krait asks and answers \#
        in its place
        streaming.apply_sync_streaming;function;not;;-;;it takes or makes Python code, which \#
        no spec can hold
        streaming.streaming_response;function;not;;-;;it takes or makes Python code, which no \#
        spec can hold
        syncify;function;not;;-;;it takes or makes Python code, which no spec can hold
        track_usage;function;native;;-;;`Reply.value["usage"]`; a reply says what was used
        utils.BaseCallback;object;not;;-;;it takes or makes Python code, which no spec can \#
        hold
        utils.DummyLM;lm;not;;-;;it is for DSPy's tests: `krait` has an offline LM
        utils.DummyVectorizer;object;not;;-;;it is for DSPy's tests: an embedder is \#
        {"embedder": …}
        utils.download;function;not;;-;;it downloads or loads a file: data comes with the call
        utils.dummy_rm;function;not;;-;;it is for DSPy's tests
        utils.exceptions;package;not;;-;;a package of errors, which arrive as faults
        utils.experimental;function;not;;-;;it takes or makes Python code, which no spec can \#
        hold
        utils.pretty_print_history;function;not;;-;;workers keep no history: `krait lm` shows \#
        what was asked
        utils.with_callbacks;function;not;;-;;it takes or makes Python code, which no spec can \#
        hold
        """#
}
