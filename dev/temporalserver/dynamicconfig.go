package temporalserver

import (
	"errors"
	"fmt"

	"go.temporal.io/server/common/dynamicconfig"
	"gopkg.in/yaml.v3"
)

type dynamicValues = dynamicconfig.StaticClient

// unthrottled is far above what one machine with SQLite can do, and thus means: no limit.
const unthrottled = 1_000_000

// localValues turn off what protects a shared cluster and only slows a private one. Whatever shapes behaviour that an
// application can rely on (sizes, counts, update limits) keeps its default.
func localValues() dynamicValues {
	return dynamicValues{
		// The queues of a shard are read at most so often in a second. A production cluster has hundreds of shards; with
		// the single one here, the default of 20 puts about 30 ms before each workflow task.
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   unthrottled,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      unthrottled,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): unthrottled,
		dynamicconfig.OutboundProcessorMaxPollRPS.Key():   unthrottled,

		// A search attribute can be used right after it was added.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,

		dynamicconfig.FrontendRPS.Key():                                         unthrottled,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():                  unthrottled,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key():        unthrottled,
		dynamicconfig.FrontendMaxConcurrentLongRunningRequestsPerInstance.Key(): unthrottled,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                           unthrottled,
		dynamicconfig.HistoryRPS.Key():                                          unthrottled,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                            unthrottled,
		dynamicconfig.MatchingRPS.Key():                                         unthrottled,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                           unthrottled,
	}
}

// dynamicConfig returns localValues with extra over them. The server itself ignores a misspelt key in silence; here it
// is an error, as is a value of the wrong type.
func dynamicConfig(extra map[string]any) (dynamicValues, error) {
	values := localValues()
	var problems []error
	for name, value := range extra {
		parsed, err := parseDynamic(name, value)
		if err != nil {
			problems = append(problems, fmt.Errorf("DynamicConfig %q: %w", name, err))
			continue
		}
		values[dynamicconfig.MakeKey(name)] = parsed
	}
	return values, errors.Join(problems...)
}

// parseDynamic goes through the server's own loader of configuration files, which knows all keys and their types.
func parseDynamic(name string, value any) ([]dynamicconfig.ConstrainedValue, error) {
	text, err := yaml.Marshal([]map[string]any{{"value": value}})
	if err != nil {
		return nil, err
	}
	var loader dynamicconfig.YamlLoader
	key := dynamicconfig.MakeKey(name)
	loader.LoadValue(key, text)
	if err := errors.Join(append(loader.Errors, loader.Warnings...)...); err != nil {
		return nil, fmt.Errorf("the server does not take this: %w", err)
	}
	return loader.Map[key], nil
}
