// Package composetest holds docker-compose.yml, its environment and the files it mounts against the program: a container
// file is read by nobody's compiler, and a variable misspelt in it is found when it is needed most.
package composetest
